//! Every limit of the engine, in one place, each with its reason.

/// Slots a key can fall into. A slot is the unit that moves between partitions, so there must be
/// many more of them than there will ever be partitions.
pub const SLOTS: u16 = 4096;

/// Partitions of a new data folder. More than cores, so that work spreads; few enough that each
/// batch still gathers many commands. Fixed when the folder is made.
pub const PARTITIONS_DEFAULT: u16 = 16;

/// Most partitions a process may have: an id carries its partition in 10 bits.
pub const PARTITIONS_MAX: u16 = 1024;

/// Bytes of a key or an id.
pub const NAME_BYTES_MAX: usize = 128;

/// Bytes of one record of the log. A replicated log carries a record as one message, and its
/// servers take at most 1 MiB of it by default.
pub const RECORD_BYTES_MAX: usize = 960 * 1024;

/// A batch takes no further command once its rows weigh this much: one of half a megabyte on top of
/// it stays one record, and a larger one begins the next.
pub const BATCH_BYTES_MAX: usize = 448 * 1024;

/// Bytes of a payload. With its row's key and what else its command writes it is one record.
pub const PAYLOAD_BYTES_MAX: usize = 900 * 1024;

/// Bytes of rows that a command is taken to write beside what it carries, unless it says otherwise:
/// five rows whose keys have three names of the longest each, and their fields.
pub const COMMAND_ROWS_BYTES: usize = 4 * 1024;

/// Bytes of answers in one batch beyond which it takes no further command.
pub const BATCH_ANSWERS_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of answers, over all partitions, that may wait at the gate for a sync before commands wait
/// too. From 80% of it opening commands and reads are told BUSY, at all of it finishing ones. A
/// million answers of 200 bytes a second through a sync of 100 ms are 20 MB. Each executor may be in
/// the middle of one more batch.
pub const ANSWERS_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes that commands which are done as one say they write, together: they fit a record that others have begun.
pub const JOINED_BYTES_MAX: usize = 256 * 1024;

/// Commands of one batch, and acknowledgements beside them. Bounds how long a partition keeps its thread.
pub const BATCH_COMMANDS_MAX: usize = 1024;

/// Timers that fire in one batch, before its commands. While more are overdue, opening commands
/// get BUSY: an answer that a due timer might change is not given.
pub const BATCH_TIMERS_MAX: usize = 512;

/// Idle timers that fire in one batch, behind its commands: few enough that the next batch hardly
/// waits, as many as are read from the base at once.
pub const BATCH_IDLE_TIMERS_MAX: usize = 64;

/// Batches of one partition that may be executed and not yet durable while idle timers fire: their
/// records go before those of commands only where the log keeps up.
pub const IDLE_AHEAD_BATCHES_MAX: u64 = 4;

/// Rows that idle timers of one partition ask the base for at once, but for those of one slot's last
/// timers.
pub const IDLE_FETCHES_MAX: usize = 256;

/// Commands of one partition that wait to run. Each domain has its share of them, and beyond it what
/// nobody uses.
pub const INBOX_COMMANDS_MAX: usize = 16 * 1024;

/// Bytes of these commands: they are small as a rule, and eight of the largest fit.
pub const INBOX_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Share of each bound, in percent, that opening commands may fill. The rest belongs to commands
/// that finish or free something.
pub const OPEN_SHARE_PERCENT: usize = 80;

/// Share of the memory for rows, in percent, up to which a domain that is beyond its own share may
/// open work. What is between that and the share of all opening commands is kept for the others.
pub const BORROWED_SHARE_PERCENT: usize = 70;

/// Keys whose work is counted in each partition, and as many that are answered at the edge: whatever makes more than
/// 1.6% of all is among them, and some 4 KiB hold them all.
pub const HOT_KEYS: usize = 64;

/// Of so many commands one is looked at for that: a prime number, so that no client that sends the same commands over
/// and over is looked at by one of them only. A hundred thousand a second are still three thousand.
pub const HOT_SAMPLE_EVERY: u64 = 31;

/// After so long all that is counted of keys is halved: it tells of the last minute or so.
pub const HOT_HALVE_MS: u64 = 30_000;

/// What was counted in less time is taken to have come in so long.
pub const HOT_SPAN_MS_MIN: u64 = 1_000;

/// The least share, in thousandths, of its partition's work with which metrics count a key as hot.
pub const HOT_SHARE_PERMILLE: u64 = 100;

/// And the fewest requests a second: where hardly anything happens, each key has a large share of it.
pub const HOT_PER_SECOND_MIN: u64 = 100;

/// How full, in percent, the fullest of all that turns requests away may be before optional work is shed: more
/// than the memory that a paced checkpoint uses as a rule, and less than what opening commands may fill.
pub const SHED_OPTIONAL_PERCENT: usize = 65;

/// The same before normal work is shed, with the mean of all partitions.
pub const SHED_NORMAL_PERCENT: usize = 75;

/// So much lower it has to be before the class is not shed any more, or it would come and go with each batch.
pub const SHED_BACK_PERCENT: usize = 10;

/// How long a class is shed by load at least: whoever was told of it asks again after about that.
pub const SHED_MS_MIN: u64 = 1_000;

/// What those are told to wait whose work is shed.
pub const SHED_RETRY_MS: u64 = 1_000;

/// How soon the load is looked at again: inboxes fill within some hundredths of a second.
pub const SHED_LOOK_MS: u64 = 20;

/// Of so many steps of an executor one looks whether it is time for that. With as many steps as that the load may
/// have changed, and a look at the clock costs about as much as one request at the door.
pub const SHED_LOOK_STEPS: u64 = 16;

/// A domain that had work not longer ago shares the log and the executors with others; those who have
/// none leave all of it to them.
pub const SHARING_MS: u64 = 1_000;

/// Bytes that may wait for the log while several domains have work, each its share: what one sync
/// takes along without becoming a slow one.
pub const AHEAD_SHARED_BYTES_MAX: usize = 1024 * 1024;

/// Work of one batch while several domains have work, each its share, in bytes as they are written: a
/// third of a millisecond. Other partitions of the executor have their turn then.
pub const BATCH_SHARED_WORK: usize = 256 * 1024;

/// Batches of one partition that may be executed and not yet durable.
pub const AHEAD_BATCHES_MAX: usize = 64;

/// Bytes of records, over all partitions, that may wait for the log before no further batch runs.
/// Each executor may be in the middle of one more record.
pub const AHEAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of the last segment that are kept for finishing commands and timers once no further
/// segment can be made. When they are used up too, reads go on.
pub const FINISHING_BYTES: u64 = 12 * 1024 * 1024;

/// Commands of one partition that have run and are answered later, reads half of them. Beyond it, those that may have to
/// wait are told BUSY before they run.
pub const WAITERS_MAX: usize = 8 * 1024;

/// Bytes of these commands: they are small as a rule.
pub const WAITERS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long an answer may wait at most: shorter than the patience of the HTTP front.
pub const WAIT_MS_MAX: i64 = 25_000;

/// Works into which one request is divided: as many as a list has items, each in a slot of its own.
pub const PIECES_MAX: usize = 1_000;

/// Shards of a key that is split.
pub const SHARDS_MAX: u16 = 64;

/// Keys that are split.
pub const SPLIT_KEYS_MAX: usize = 4_096;

/// Things made of texts that one partition keeps for its commands ([`crate::Tx::made_of`]).
pub const MADE_MAX: usize = 32;

/// Flags of one partition that are up. What has no room goes to its partition.
pub const FLAGS_MAX: usize = 16 * 1024;

/// Bytes of these flags: the drawn order of a million people.
pub const FLAGS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Letters in the outbox of one partition beyond which no command that sends mail runs (opening ones:
/// at 80% of it); letters that mail and timers send in turn come on top.
pub const OUTBOX_LETTERS_MAX: usize = 8 * 1024;

/// Bytes of these letters: a hundred of the largest. A letter on its way to an inbox is in an
/// outbox too, so inboxes hold at most as many bytes of mail as all outboxes.
pub const OUTBOX_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of a letter's body.
pub const LETTER_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a letter beside its body: its numbers, and an addressee of the longest name.
pub const LETTER_HEAD_BYTES: usize = 256;

/// Calls of one partition that are under way beyond which no command that calls runs (opening ones: at
/// 80% of it); what timers and mail call comes on top.
pub const CALLS_MAX: usize = 8 * 1024;

/// Bytes of what a call sends, what comes back with it, and what it is about.
pub const CALL_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a service's answer: whoever has called keeps little of it.
pub const CALL_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Tries of a call that are remembered.
pub const CALL_HISTORY_MAX: usize = 16;

/// Bytes of why one has brought nothing.
pub const CALL_WHY_BYTES_MAX: usize = 200;

/// How long a call rests at least and at most before it is tried again.
pub const CALL_REST_MIN_MS: u64 = 500;
/// See [`CALL_REST_MIN_MS`]: a service that is back is asked within so long.
pub const CALL_REST_MAX_MS: u64 = 60_000;

/// Letters taken out of an inbox for one batch, before its commands.
pub const BATCH_LETTERS_MAX: usize = 512;

/// Rows that one partition may have asked the base for before it takes in no further command.
pub const FETCHES_MAX: usize = 1024;

/// So many times the room of rows that were read from the base they may take while commands wait for further ones.
pub const AWAITED_CACHE_TIMES: usize = 2;

/// Timers of one slot that are read from the base at once.
pub const TIMERS_READ: usize = 64;

/// Bytes of log that a start may have to read before a checkpoint begins.
pub const CHECKPOINT_LOG_BYTES: u64 = 1024 * 1024 * 1024;

/// Rows that a checkpoint takes to the base before it looks whether it is ahead: some tenths of a
/// millisecond.
pub const PACE_ROWS: usize = 256;

/// A checkpoint begins when rows changed take so much, in percent, of the memory for rows.
pub const CHECKPOINT_ROWS_PERCENT: usize = 40;

/// A checkpoint is paced to have taken its rows when those changed meanwhile take so much of what they
/// may take until the next one begins: the rest is for what comes behind that, and for when the load
/// rises. With the rows that it takes that is less than what a domain may borrow.
pub const PACE_ROOM_PERCENT: usize = 50;

/// Pauses of a checkpoint, of a millisecond each: of a server with nothing to do it takes that long.
pub const PACE_PAUSES_MAX: u32 = 2_000;

/// A checkpoint begins after so long if anything has changed, unless told otherwise.
pub const CHECKPOINT_EVERY_MS_DEFAULT: u64 = 300_000;

/// Bytes of rows that go to a file of the base before the device is told to begin with them: few, so
/// that what the log writes has not long to wait, and enough that it is worth a call.
pub const WRITE_BACK_BYTES: usize = 1024 * 1024;

/// Runs of a tier of a table that may wait to be merged: each is one more place to look for a row.
pub const BASE_RUNS_MAX: usize = 32;

/// How long no checkpoint begins unasked after another, for each run that waits beyond those.
pub const BASE_REST_MS: u64 = 250;

/// How long that is at most: no command may open anything meanwhile once memory is full.
pub const BASE_REST_MS_MAX: u64 = 4_000;

/// Runs beyond those at which no checkpoint begins at all: the base cannot list 256 of a tier.
pub const BASE_BACKLOG_MAX: usize = 96;

/// Runs of a table that are merged at once: the more, the less often a row is written again, and the
/// more places there are to look for a row.
pub const BASE_RUNS_MERGED: usize = 8;

/// Runs of a table's lowest tier, each the largest that are gathered, before they are merged with all
/// that lies beneath.
pub const BASE_RUNS_LOWEST: usize = 24;

/// Slices of an archive that are kept: a page may look into each of them.
pub const SLICES_MAX: u64 = 1_000;

/// Days after which what is finished leaves for an archive at the latest: whoever wants to keep it where
/// commands work for longer than ten years has no use for archives.
pub const ARCHIVE_AFTER_DAYS_MAX: u64 = 3_660;

/// Of so many steps of a busy executor one lets go of a table that a checkpoint has taken to the base:
/// it takes about as long as a batch.
pub const LET_GO_STEPS: u64 = 4;

/// Bytes after which a frame of a backup ends: large enough that its head is nothing, small enough
/// that a few of them may wait for a slow client.
pub const BACKUP_FRAME_BYTES: usize = 256 * 1024;

/// Most bytes of a frame's body: one row on top, which has gone through a record, and its key.
pub const BACKUP_FRAME_BYTES_MAX: usize = BACKUP_FRAME_BYTES + RECORD_BYTES_MAX + 1024;

/// Bytes of a backup that a restore takes to the base at once: each time makes a file.
pub const RESTORE_BYTES: usize = 64 * 1024 * 1024;

/// The least memory that a server can be told to keep to.
pub const MEMORY_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// Rows a scan may examine before it answers with what it has and a cursor.
pub const SCAN_ROWS_MAX: usize = 10_000;

/// Items of one page.
pub const PAGE_ITEMS_MAX: i64 = 1_000;

/// Items of one page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: i64 = 100;

/// Scans waiting for a reader thread.
pub const SCANS_WAITING_MAX: usize = 1_024;

/// Events of one domain kept in one partition; its oldest goes when one more is emitted. Beside each,
/// memory has the 16 bytes that say where it is.
pub const EVENTS_KEPT: usize = 10_000;

/// How long events of a kind are kept that does not say otherwise: who was away over a weekend has
/// missed nothing.
pub const EVENT_KEPT_MS_DEFAULT: u64 = 7 * 24 * 3_600 * 1_000;

/// The longest time for which a kind of event may be kept. An event is what to act upon; history
/// belongs into rows of a domain.
pub const EVENT_KEPT_MS_MAX: u64 = 90 * 24 * 3_600 * 1_000;

/// How long an event may stay beyond its time where nothing else happens: one batch then drops what
/// has become due meanwhile.
pub const EVENTS_LATE_MS: u64 = 10_000;

/// Events dropped in one batch, beyond as many as it has emitted.
pub const EVENTS_DROPPED_MAX: usize = 256;

/// Bytes of an event in the log: a fact to act upon, not a document.
pub const EVENT_BYTES_MAX: usize = 4 * 1024;

/// Subscribers to events: services, not their users. A page of stored events for each of them, and as
/// much that waits, is 80 MiB if no two of them wait for the same.
pub const SUBSCRIBERS_MAX: usize = 256;

/// Bytes of events that may wait for one subscriber before it has fallen behind: a thousand events.
pub const SUBSCRIBER_BYTES_MAX: usize = 256 * 1024;

/// Bytes of events that may wait, for all subscribers together, until every partition has said that
/// nothing before them can come. That takes a few milliseconds.
pub const STREAM_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Stored events that a subscriber is given at once.
pub const REPLAY_ITEMS_MAX: usize = 256;

/// How soon a partition in which nothing happens says that it is later, if subscribers wait for that.
/// The numbers of events tell milliseconds apart.
pub const TELL_AFTER_MS: u64 = 1;

/// What BUSY tells a client to wait before it asks again.
pub const BUSY_RETRY_MS: u64 = 50;

/// How far ahead of now the durable clock record promises engine time, and so how far a restart
/// may start in the future of the last moment that was used.
pub const CLOCK_AHEAD_MS: u64 = 2_000;

/// The same at the start of a run, whose promises reach no further than it has lasted: several syncs of
/// a slow disk.
pub const CLOCK_AHEAD_MS_MIN: u64 = 250;

/// By how much an id may be ahead of the moment at which it was minted: a partition that mints more
/// than 4,096 in a millisecond borrows the next. An audit takes no more for sound.
pub const ID_AHEAD_MS: u64 = 1_000;

/// A step of the wall clock larger than this, between two looks, is reported and not followed.
pub const CLOCK_STEP_MS: u64 = 10_000;

/// The largest lead over the wall at a start that leans back: hundreds of starts one behind the other
/// have less. Beyond it the wall was set back, as by a zone of time, which is half an hour at least.
pub const CLOCK_LEAD_MS_MAX: u64 = 15 * 60 * 1_000;

/// The engine clock runs at most this many thousandths faster or slower than the monotonic clock
/// while it follows the wall.
pub const CLOCK_SLEW_PERMILLE: u64 = 50;

/// A start does not jump further ahead than this without being told to.
pub const CLOCK_JUMP_MS_MAX: u64 = 24 * 3_600 * 1_000;

/// Bytes that are cut at once from a file that goes: a device that is told of more takes longer than a
/// group does, and one that is told of much less is told too often.
pub const CUT_BYTES: u64 = 1024 * 1024;

/// What nobody waits for is made durable together with what somebody does, or once it is as much as this, or after
/// [`SEAL_AFTER_MS`].
pub const RELAXED_BYTES_MAX: usize = 256 * 1024;

/// An idle log seals its last group after this long, and what nobody waits for is written.
pub const SEAL_AFTER_MS: u64 = 200;

const _: () = assert!(BATCH_BYTES_MAX < RECORD_BYTES_MAX / 2);
const _: () = assert!(PAYLOAD_BYTES_MAX + 8 * COMMAND_ROWS_BYTES < RECORD_BYTES_MAX);
const _: () = assert!(RECORD_BYTES_MAX < AHEAD_BYTES_MAX);
const _: () = assert!(100 * (LETTER_BYTES_MAX + LETTER_HEAD_BYTES) < OUTBOX_BYTES_MAX);
const _: () = assert!(NAME_BYTES_MAX < LETTER_HEAD_BYTES);
const _: () = assert!(OPEN_SHARE_PERCENT < 100 && BORROWED_SHARE_PERCENT < OPEN_SHARE_PERCENT);
const _: () =
    assert!(CHECKPOINT_ROWS_PERCENT * (100 + PACE_ROOM_PERCENT) < 100 * BORROWED_SHARE_PERCENT);
const _: () = assert!(
    CHECKPOINT_ROWS_PERCENT * (100 + PACE_ROOM_PERCENT) < 100 * SHED_OPTIONAL_PERCENT
        && CHECKPOINT_ROWS_PERCENT < SHED_OPTIONAL_PERCENT - SHED_BACK_PERCENT
);
const _: () = assert!(
    SHED_OPTIONAL_PERCENT < SHED_NORMAL_PERCENT && SHED_NORMAL_PERCENT < OPEN_SHARE_PERCENT
);
const _: () = assert!(BASE_RUNS_LOWEST + BASE_RUNS_MAX + BASE_BACKLOG_MAX < 192);
const _: () = assert!(8 * PAYLOAD_BYTES_MAX < INBOX_BYTES_MAX);
const _: () = assert!(AHEAD_SHARED_BYTES_MAX < AHEAD_BYTES_MAX);
