//! A bounded number of kept connections, over which everybody asks: people in line over some, those who buy over
//! others, and bots over others again, so that who floods has addresses of its own and delays nobody here.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::answer::Answer;
use super::ask::{Ask, Target};
use super::connection::{Connection, Job};
use super::town::Who;

/// How long an answer may take: longer than the server lets one wait who asks for no more than a crowd does.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// How long a connection rests that could not be made.
const REST: Duration = Duration::from_millis(100);

/// How often those are looked for that have no answer in time, or have rested.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a request may be sent again and again outside of the crowd: one, and each of a list.
const ASK_WAIT: Duration = Duration::from_secs(3);
const ASK_ALL_WAIT: Duration = Duration::from_secs(60);

const READ_BYTES: usize = 64 * 1024;
const EVENTS: usize = 1_024;

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Who(Who),
    /// The page with the goods, which all look at.
    Page,
    /// The nth of a list that is asked for the books.
    Nth(usize),
}

/// Over which connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Those of people in line, of which there are many.
    Line,
    /// Those of people who buy and pay: they do not wait here behind all who wait there.
    Shop,
    Bot,
}

impl Class {
    const ALL: [Self; 3] = [Self::Line, Self::Shop, Self::Bot];
}

/// How many connections there are of each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) line: usize,
    pub(crate) shop: usize,
    pub(crate) bots: usize,
}

/// What is to be sent.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) tag: Tag,
    pub(super) ask: Ask,
    /// The connection is cut once it is sent: whatever is answered is not heard.
    pub(super) is_cut: bool,
    /// When it was to be sent.
    pub(super) since: Instant,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) tag: Tag,
    pub(super) ask: Ask,
    pub(super) answer: Answer,
    /// From when it was to be sent.
    pub(super) took: Duration,
}

/// The connections of one class: each is free, resting, or has a request.
#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Request>,
    free: Vec<usize>,
}

/// All connections.
#[derive(Debug)]
pub(super) struct Pool {
    target: Target,
    server: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    connections: Vec<Connection>,
    resting: VecDeque<(Instant, usize)>,
    /// Of each connection.
    classes: Vec<Class>,
    lanes: [Lane; 3],
    looked: Instant,
    heard: Vec<Heard>,
}

impl Pool {
    /// Connections to a server, which are made when they are needed.
    pub(super) fn new(
        target: Target,
        server: SocketAddr,
        connections: Connections,
    ) -> io::Result<Self> {
        let classes: Vec<_> = connections.classes().collect();
        let connection = |(place, class): (usize, &Class)| {
            let is_here = matches!(server.ip(), IpAddr::V4(ip) if ip.is_loopback());
            Connection::new(is_here.then(|| address(place, *class)))
        };
        let mut pool = Self {
            target,
            server,
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            buffer: vec![0; READ_BYTES],
            connections: classes.iter().enumerate().map(connection).collect(),
            resting: VecDeque::new(),
            lanes: <[Lane; 3]>::default(),
            classes,
            looked: Instant::now(),
            heard: Vec::new(),
        };
        for place in 0..pool.classes.len() {
            pool.set_free(place);
        }
        Ok(pool)
    }

    /// Has something asked as soon as a connection is free.
    pub(super) fn send(&mut self, class: Class, tag: Tag, ask: Ask, is_cut: bool) {
        let lane = &mut self.lanes[class as usize];
        lane.queue.push_back(Request {
            tag,
            ask,
            is_cut,
            since: Instant::now(),
        });
        self.pump(class);
    }

    /// What has come back, after so long at most.
    pub(super) fn wait(&mut self, at_most: Duration) -> io::Result<Vec<Heard>> {
        if self.heard.is_empty() {
            self.poll_once(at_most.min(LOOK_EVERY))?;
        }
        self.look();
        for class in Class::ALL {
            self.pump(class);
        }
        Ok(std::mem::take(&mut self.heard))
    }

    /// Asks all of it, again and again what is not answered, and gives the answers in the same order.
    pub(super) fn ask_all(&mut self, asks: Vec<Ask>) -> io::Result<Vec<Answer>> {
        self.ask_for(asks, ASK_ALL_WAIT)
    }

    fn ask_for(&mut self, asks: Vec<Ask>, at_most: Duration) -> io::Result<Vec<Answer>> {
        let mut answers = vec![Answer::Lost; asks.len()];
        let mut left: Vec<usize> = (0..asks.len()).collect();
        let until = Instant::now() + at_most;
        while !left.is_empty() && Instant::now() < until {
            for nth in &left {
                self.send(Class::Line, Tag::Nth(*nth), asks[*nth].clone(), false);
            }
            let mut open = left.len();
            while open > 0 {
                for heard in self.wait(LOOK_EVERY)? {
                    if let Tag::Nth(nth) = heard.tag {
                        open -= 1;
                        answers[nth] = heard.answer;
                    }
                }
            }
            left.retain(|nth| matches!(answers[*nth], Answer::Lost | Answer::Busy { .. }));
            if !left.is_empty() {
                std::thread::sleep(REST);
            }
        }
        Ok(answers)
    }

    /// Asks this, until it is answered.
    pub(super) fn ask(&mut self, ask: Ask) -> io::Result<Answer> {
        let answer = self.ask_for(vec![ask], ASK_WAIT)?.pop();
        Ok(answer.expect("because every request has an answer, if only that it is lost"))
    }

    fn poll_once(&mut self, at_most: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(at_most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for place in ready {
            match self.connections[place].ready(&mut self.buffer) {
                Ok(Some((job, answer))) => {
                    self.tell(job, answer);
                    self.set_free(place);
                }
                Ok(None) => {}
                Err(_) => self.give_up(place),
            }
        }
        Ok(())
    }

    /// Sends what waits over what is free.
    fn pump(&mut self, class: Class) {
        let now = Instant::now();
        loop {
            let lane = &mut self.lanes[class as usize];
            let Some(place) = lane.free.pop() else { return };
            let Some(request) = lane.queue.pop_front() else {
                lane.free.push(place);
                return;
            };
            let job = Job { request, sent: now };
            let at = (self.poll.registry(), Token(place));
            let sent = self.connections[place].send(job, &self.target, self.server, at);
            if sent.is_err() {
                self.give_up(place);
            }
        }
    }

    /// A connection is broken: what was asked over it is lost.
    fn give_up(&mut self, place: usize) {
        let Some(job) = self.connections[place].close() else {
            return; // The server has closed what nobody used: it is made again when it is needed.
        };
        self.tell(job, Answer::Lost);
        self.resting.push_back((Instant::now() + REST, place));
    }

    fn look(&mut self) {
        let now = Instant::now();
        if now - self.looked < LOOK_EVERY {
            return;
        }
        self.looked = now;
        while let Some((until, place)) = self.resting.front().copied() {
            if until > now {
                break;
            }
            self.resting.pop_front();
            self.set_free(place);
        }
        for place in 0..self.connections.len() {
            let job = &self.connections[place].job;
            if job.as_ref().is_some_and(|job| now - job.sent > ANSWER_WAIT) {
                self.give_up(place);
            }
        }
    }

    fn set_free(&mut self, place: usize) {
        self.lanes[self.classes[place] as usize].free.push(place);
    }

    fn tell(&mut self, job: Job, answer: Answer) {
        let Request {
            tag, ask, since, ..
        } = job.request;
        self.heard.push(Heard {
            took: since.elapsed(),
            tag,
            ask,
            answer,
        });
    }
}

impl Connections {
    fn classes(self) -> impl Iterator<Item = Class> {
        let Self { line, shop, bots } = self;
        let of = std::iter::repeat_n;
        of(Class::Line, line)
            .chain(of(Class::Shop, shop))
            .chain(of(Class::Bot, bots))
    }
}

/// The address of a connection on this machine: those of bots are of another network.
fn address(place: usize, class: Class) -> Ipv4Addr {
    let network = match class {
        Class::Line | Class::Shop => 1,
        Class::Bot => 66,
    };
    // Neither 0 nor 255, which stand for networks.
    Ipv4Addr::new(127, network, (place / 250) as u8, (place % 250 + 1) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_has_an_address_of_its_own_and_bots_are_of_another_network() {
        let connections = Connections {
            line: 1_500,
            shop: 500,
            bots: 1_000,
        };
        let all = connections.classes().enumerate();
        let all: Vec<_> = all
            .map(|(place, class)| (class, address(place, class)))
            .collect();
        let different: std::collections::BTreeSet<_> = all.iter().map(|(_, ip)| ip).collect();
        assert_eq!(different.len(), 3_000);
        for (class, ip) in all {
            assert!(ip.is_loopback());
            assert_eq!(ip.octets()[1] == 66, class == Class::Bot);
        }
    }
}
