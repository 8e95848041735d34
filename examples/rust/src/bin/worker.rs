//! A worker: does the jobs of a queue until it is told to end (SIGTERM). Then it finishes what it has taken, and takes
//! nothing new: `worker HOST PORT QUEUE`.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use redis::{Connection, RedisResult, cmd};
use tidegate_examples::{Fields, ending, field, member};

fn work(job: &Fields) -> Result<(), Box<dyn Error>> {
    sleep(Duration::from_millis(20));
    println!("done {}", field::<String>(job, "payload")?);
    Ok(())
}

fn do_job(client: &mut Connection, queue: &str, job: &Fields, lease: &str) -> RedisResult<()> {
    let id: String = field(job, "id")?;
    let of_job = [queue, &id, lease];
    match work(job) {
        Ok(()) => cmd("JOB.DONE").arg(&of_job).exec(client),
        Err(error) => {
            let error: String = error.to_string().chars().take(50).collect();
            cmd("JOB.FAIL")
                .arg(&of_job)
                .arg("ERROR")
                .arg(error)
                .exec(client)
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().collect();
    let [_, host, port, queue] = &args[..] else {
        return Err("worker HOST PORT QUEUE".into());
    };
    let (ending, member) = (ending()?, member());
    let url = format!("redis://{host}:{port}/?protocol=resp3");
    let mut client = redis::Client::open(url)?.get_connection()?;
    while !ending.load(Ordering::Relaxed) {
        // Waits a second at most, so that it ends soon when it is told to.
        let mut take = cmd("JOB.TAKE");
        take.arg(&member).arg(1).arg(queue);
        take.arg("COUNT").arg(10).arg("WAIT").arg(1000);
        let taken: Fields = take.query(&mut client)?;
        let jobs: Vec<Fields> = field(&taken, "jobs")?;
        for job in &jobs {
            let lease: String = field(&taken, "lease")?;
            do_job(&mut client, queue, job, &lease)?;
        }
    }
    Ok(())
}
