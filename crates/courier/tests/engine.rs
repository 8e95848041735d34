//! An engine's calls reach a real server, however it behaves, and their answers the engine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_courier::{Action, Limits, Method, Service, Services, outlet, run};
use tidegate_engine::testing::{Stepper, TOY};

/// Answers as the last part of the path says.
fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut path = String::new();
        if reader.read_line(&mut path).unwrap_or(0) == 0 {
            return;
        }
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap_or(0) > 2 {
            line.clear();
        }
        let what = path.split(' ').nth(1).unwrap().rsplit('/').next().unwrap();
        let body = format!("you asked {what}");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        match what {
            "close" => return,
            "trouble" => drop(stream.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")),
            _ => drop(stream.write_all(format!("{head}{body}").as_bytes())),
        }
    }
}

fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || answer(stream));
        }
    });
    addr
}

fn services(addr: SocketAddr) -> Services {
    let action = Action {
        method: Method::Get,
        url: format!("http://{addr}/ask/{{id}}"),
    };
    let service = Service {
        actions: [("ask".to_owned(), action)].into(),
        token: None,
        signed: None,
    };
    let limits = Limits {
        concurrency: 3,
        ..Limits::default()
    };
    let hosts = [(addr.to_string(), limits)].into();
    Services::new([("oracle".to_owned(), service)].into(), hosts).unwrap()
}

/// Steps the engine beside its courier until a note was told something. Time passes only for the engine.
async fn told(engine: &mut Stepper, key: &str) -> String {
    let gave_up = Instant::now() + Duration::from_mins(1);
    loop {
        engine.settle();
        let told = engine.call(&format!("NOTE.ANSWERS {key}"));
        if !told.ends_with("times=0") {
            return told;
        }
        assert!(Instant::now() < gave_up, "{key} is told nothing");
        engine.clock.advance_ms(10);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn calls_are_answered_or_given_up_and_no_host_is_called_more_than_it_bears() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.GET nothing");
    let courier = engine.courier.clone();
    let talk = async {
        for key in 0..50 {
            engine.call(&format!("NOTE.ASK k{key} why TRIES 1"));
        }
        engine.call("NOTE.ASK closed close TRIES 2");
        engine.call("NOTE.ASK troubled trouble TRIES 3");
        for key in 0..50 {
            let answer = told(&mut engine, &format!("k{key}")).await;
            assert_eq!(answer, "last=200:you asked why times=1");
        }
        for key in ["closed", "troubled"] {
            assert_eq!(told(&mut engine, key).await, "last=given_up times=1");
        }
        let figures = engine.door().host_figures();
        assert_eq!(figures.len(), 1);
        assert!(figures[0].in_flight <= 3, "{figures:?}");
        assert_eq!(
            engine.call("CALL.LIST").matches("state=given_up").count(),
            2
        );
        assert!(engine.call("CALL.LIST").contains("why=answered 500"));
        engine.door().stop();
    };
    tokio::join!(run(courier, services(server()), outlet().1), talk);
}

#[tokio::test]
async fn call_of_a_service_that_the_settings_do_not_name_says_so() {
    let mut engine = Stepper::fresh(&[TOY]);
    engine.call("NOTE.GET nothing");
    let courier = engine.courier.clone();
    let talk = async {
        engine.call("NOTE.ASK a why TRIES 1");
        assert_eq!(told(&mut engine, "a").await, "last=given_up times=1");
        let listed = engine.call("CALL.LIST");
        assert!(
            listed.contains("the settings name no service oracle"),
            "{listed}"
        );
        engine.door().stop();
    };
    tokio::join!(run(courier, Services::default(), outlet().1), talk);
}
