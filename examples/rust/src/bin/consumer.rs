//! A consumer of a topic: works on its messages in a group until it is told to end (SIGTERM). Then it finishes what it has
//! leased, and takes nothing new: `consumer HOST PORT TOPIC GROUP`.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use redis::{Connection, RedisResult, cmd};
use tidegate_examples::{Fields, ending, field, member};

fn work(message: &Fields) -> Result<(), Box<dyn Error>> {
    sleep(Duration::from_millis(20));
    println!("done {}", field::<String>(message, "payload")?);
    Ok(())
}

/// Acknowledges what was done; what fails goes back with what is behind it in its key, and is given again after a rest.
fn settle(client: &mut Connection, of_lease: &[&str; 3], messages: &[Fields]) -> RedisResult<()> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for message in messages {
        let key = field::<Option<String>>(message, "key")?;
        if key.is_some() && failed.contains(&key) {
            continue; // It went back with the one before it.
        }
        let position = field::<u64>(message, "position")?;
        let Err(error) = work(message) else {
            done.push(position);
            continue;
        };
        let cause: String = error.to_string().chars().take(50).collect();
        let mut nack = cmd("TOPIC.NACK");
        nack.arg(of_lease).arg("POSITIONS").arg(1).arg(position);
        nack.arg("CAUSE").arg(cause).exec(client)?;
        failed.push(key);
    }
    if done.is_empty() {
        return Ok(());
    }
    let mut ack = cmd("TOPIC.ACK");
    ack.arg(of_lease)
        .arg("POSITIONS")
        .arg(done.len())
        .arg(&done);
    ack.exec(client)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().collect();
    let [_, host, port, topic, group] = &args[..] else {
        return Err("consumer HOST PORT TOPIC GROUP".into());
    };
    let (ending, member) = (ending()?, member());
    let url = format!("redis://{host}:{port}/?protocol=resp3");
    let mut client = redis::Client::open(url)?.get_connection()?;
    while !ending.load(Ordering::Relaxed) {
        // Waits a second at most, so that it ends soon when it is told to.
        let mut read = cmd("TOPIC.READ");
        read.arg(topic).arg(group).arg(&member);
        read.arg("COUNT").arg(10).arg("WAIT").arg(1000);
        let read: Fields = read.query(&mut client)?;
        if let Some(lease) = field::<Option<String>>(&read, "lease")? {
            let messages: Vec<Fields> = field(&read, "messages")?;
            settle(&mut client, &[topic, group, &lease], &messages)?;
        }
    }
    Ok(())
}
