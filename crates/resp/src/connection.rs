//! A connection: one task that reads, submits and writes whatever can be, in turns.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::front::Front;
use crate::input::Input;
use crate::limits::{KEPT_BYTES_MAX, LINGER_BYTES_MAX, LINGER_TIMEOUT, ROUNDS_PER_TURN};
use crate::order::Replies;
use crate::parse::Parser;
use crate::patience::Patience;
use crate::session::Session;

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    input: Input,
    parser: Parser,
    session: Session,
    replies: Arc<Replies>,
    output: Output,
    /// Everything that has arrived was taken in; more is wanted.
    is_hungry: bool,
    /// The peer has said all that it will.
    is_read_to_end: bool,
    patience: Patience,
}

/// Why a connection ends here.
enum End {
    /// Nothing is left to be said.
    Done,
    /// The peer is gone, or let its time pass.
    Lost,
    /// It goes on at this executor.
    Moves(usize),
}

/// A connection on its way to another thread.
pub(crate) struct Moving {
    stream: std::net::TcpStream,
    goes_on: Box<dyn FnOnce(TcpStream) -> Connection + Send>,
}

impl Moving {
    /// For the thread that it lives on from now on.
    pub(crate) fn arrive(self) -> io::Result<Connection> {
        Ok((self.goes_on)(TcpStream::from_std(self.stream)?))
    }
}

/// Answers on their way to the peer.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

impl Output {
    fn unsent(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Takes note that the peer took so many bytes.
    fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES_MAX);
        }
    }
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        front: &Arc<Front>,
        executor: usize,
        (id, replies): (u64, &Arc<Replies>),
    ) -> Self {
        // One that is gone has no address, and will ask nothing.
        let peer = stream.peer_addr().ok().map(|peer| peer.ip());
        Self {
            stream,
            input: Input::default(),
            parser: Parser::default(),
            session: Session::new(Arc::clone(front), (id, peer, executor), Arc::clone(replies)),
            replies: Arc::clone(replies),
            output: Output::default(),
            is_hungry: true,
            is_read_to_end: false,
            patience: Patience::new(front.options.idle_timeout),
        }
    }

    /// Serves the connection to its end, or until it moves.
    pub(crate) async fn run(mut self) -> Option<(usize, Moving)> {
        match poll_fn(|cx| self.poll(cx)).await {
            End::Done => self.close().await,
            End::Lost => {}
            End::Moves(to) => return self.leave(to).ok().map(|moving| (to, moving)),
        }
        None
    }

    /// Takes it from this thread, with all that it has agreed on and has heard.
    fn leave(self, to: usize) -> io::Result<Moving> {
        let Self {
            stream,
            input,
            parser,
            mut session,
            replies,
            output,
            is_hungry,
            is_read_to_end,
            patience,
        } = self;
        session.has_moved(to);
        let goes_on = move |stream| Self {
            stream,
            input,
            parser,
            session,
            replies,
            output,
            is_hungry,
            is_read_to_end,
            patience: patience.here(),
        };
        Ok(Moving {
            stream: stream.into_std()?,
            goes_on: Box::new(goes_on),
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..ROUNDS_PER_TURN {
            match self.round(cx) {
                Ok(true) => {}
                Ok(false) => return self.rest(cx),
                Err(_) => return Poll::Ready(End::Lost),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads, submits and writes once; whether any of it got on.
    fn round(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let read = self.poll_read(cx)?;
        let taken = self.take_in();
        let sent = self.poll_write(cx)?;
        self.count_memory();
        Ok(read || taken || sent)
    }

    /// Nothing gets on for now.
    fn rest(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if self.is_over() {
            return Poll::Ready(End::Done);
        }
        if self.is_hungry
            && self.session.is_answered()
            && self.output.unsent() == 0
            && let Some(to) = self.session.moves_to()
        {
            return Poll::Ready(End::Moves(to));
        }
        while self.patience.is_due(cx) {
            if self
                .patience
                .is_over(self.output.unsent() > 0, self.session.is_answered())
            {
                return Poll::Ready(End::Lost);
            }
            self.input.relax();
            self.parser.relax();
            self.output.bytes.shrink_to_fit();
            self.session.relax();
            self.count_memory();
        }
        Poll::Pending
    }

    fn count_memory(&mut self) {
        let buffers = self.input.size() + self.output.bytes.capacity();
        self.session.count_memory(buffers);
    }

    fn is_over(&self) -> bool {
        // Asked after `collect` has left its waker: a stop from here on wakes the task.
        let is_last = self.session.is_ending()
            || self.is_hungry && (self.is_read_to_end || self.session.front.is_stopping());
        is_last && self.session.is_answered() && self.output.unsent() == 0
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let wants = self.is_hungry && !self.is_read_to_end && !self.session.is_ending();
        if !wants || self.session.front.is_stopping() {
            return Ok(false);
        }
        let mut room = ReadBuf::new(self.input.room(self.session.may_grow()));
        if room.capacity() == 0 {
            self.session.fail_for_memory();
            return Ok(true);
        }
        // Unlike `try_read`, this learns from a short reading that there is no more, and so saves
        // the system call that would say it.
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, &mut room) else {
            return Ok(false);
        };
        read?;
        let bytes = room.filled().len();
        self.input.arrived(bytes);
        if bytes == 0 {
            self.is_read_to_end = true;
            self.replies.leave();
        }
        Ok(true)
    }

    /// Takes in the requests that have arrived, as far as there is room for them. To want more
    /// again is to get on too: without another round nobody would ask the socket.
    fn take_in(&mut self) -> bool {
        let before = self.session.requests();
        let was_hungry = std::mem::take(&mut self.is_hungry);
        while !self.session.is_ending() && self.session.has_room(self.output.unsent()) {
            match self.parser.next(self.input.bytes(), self.session.bounds()) {
                Ok(Some(used)) => {
                    let args = self.parser.args(self.input.bytes());
                    self.session.handle(args, self.parser.is_inline());
                    self.input.consume(used);
                }
                Ok(None) => {
                    self.is_hungry = true;
                    break;
                }
                Err(malformed) => self.session.fail_protocol(malformed),
            }
        }
        let taken = self.session.requests() - before;
        if taken > 0 {
            self.patience.requested();
            self.session.front.stats.requests(taken);
        }
        taken > 0 || self.is_hungry && !was_hungry
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let was_empty = self.output.unsent() == 0;
        let progress = self.replies.collect(cx, &mut self.output.bytes);
        self.session.note(progress);
        if self.output.unsent() == 0 {
            return Ok(false);
        }
        if was_empty {
            self.patience.took();
        }
        let unsent = &self.output.bytes[self.output.sent..];
        let Poll::Ready(sent) = Pin::new(&mut self.stream).poll_write(cx, unsent) else {
            return Ok(false);
        };
        match sent? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            bytes => {
                self.output.sent(bytes);
                if self.output.unsent() > 0 {
                    self.patience.took();
                }
                Ok(true)
            }
        }
    }

    /// Says that nothing more comes, and lets a peer that is still writing get to read it.
    async fn close(mut self) {
        let shut = poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await;
        if shut.is_ok() && !self.is_read_to_end {
            // Whether it ends or runs out of time, the connection is done with.
            drop(timeout(LINGER_TIMEOUT, self.discard()).await);
        }
    }

    async fn discard(&mut self) {
        self.input.consume(self.input.bytes().len());
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            let read = poll_fn(|cx| {
                let mut room = ReadBuf::new(self.input.room(false));
                let read = Pin::new(&mut self.stream).poll_read(cx, &mut room);
                read.map_ok(|()| room.filled().len())
            });
            match read.await {
                Ok(0) | Err(_) => return,
                Ok(bytes) => left = left.saturating_sub(bytes),
            }
        }
    }
}
