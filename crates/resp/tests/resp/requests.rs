//! Requests of a domain: decoding, answers, errors, order.

use std::fmt::Write as _;

use crate::harness::{Server, request};

const LOOK_B: &str = "*8\r\n$4\r\nname\r\n$1\r\nb\r\n$4\r\nlast\r\n$-1\r\n$5\r\ncount\r\n:0\r\n\
                      $4\r\nfull\r\n:0\r\n";

#[test]
fn reply_is_a_flat_array_in_resp2_and_a_map_in_resp3() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .send(request(&["toy.put", "a", "hello", "1"]))
        .expect(
            "*8\r\n$4\r\nname\r\n$1\r\na\r\n$4\r\nlast\r\n$5\r\nhello\r\n$5\r\ncount\r\n:1\r\n\
         $4\r\nfull\r\n:0\r\n",
        );
    client.ask("TOY.LOOK b", LOOK_B);
    client.send("HELLO 3\r\n");
    while client.line() != "*0" {}
    client.ask(
        "Toy.Look b",
        "%4\r\n$4\r\nname\r\n$1\r\nb\r\n$4\r\nlast\r\n_\r\n$5\r\ncount\r\n:0\r\n\
         $4\r\nfull\r\n#f\r\n",
    );
}

#[test]
fn refusal_is_an_error_with_its_facts() {
    let server = Server::start();
    let mut client = server.connect();
    for count in 1..=3 {
        let full = u8::from(count == 3);
        client
            .send(request(&["TOY.PUT", "a", "a \"b\"", "1"]))
            .expect(&format!(
                "*8\r\n$4\r\nname\r\n$1\r\na\r\n$4\r\nlast\r\n$5\r\na \"b\"\r\n\
             $5\r\ncount\r\n:{count}\r\n$4\r\nfull\r\n:{full}\r\n"
            ));
    }
    client.ask("TOY.PUT a x 1", "-BOXFULL room=0 last=\"a \\\"b\\\"\"\r\n");
    client.ask("TOY.LOOK void", "-UNKNOWNBOX\r\n");
}

#[test]
fn request_comes_from_its_peer_unless_that_speaks_for_somebody_else() {
    let server = Server::start();
    let mut client = server.connect();
    let reply = |from: &str| format!("*2\r\n$4\r\nfrom\r\n${}\r\n{from}\r\n", from.len());
    client.ask("TOY.WHENCE b", &reply("127.0.0.1"));
    client.ask("TOY.WHENCE b FROM 192.0.2.7", &reply("192.0.2.7"));
    let network = reply("2001:db8:1:2::/64");
    client.ask("TOY.WHENCE b FROM 2001:db8:1:2:3:4:5:6", &network);
    let wrong = "-INVALID from must be an IP address, as 192.0.2.1 or 2001:db8::1\r\n";
    client.ask("TOY.WHENCE b FROM home", wrong);
    client.ask(
        "TOY.WHENCE b FROM 192.0.2.7 FROM 192.0.2.8",
        "-ERR syntax error near 'FROM': write TOY.WHENCE name [FROM from]\r\n",
    );
}

#[test]
fn options_come_in_any_order_and_case() {
    let server = Server::start();
    let mut client = server.connect();
    for (options, count) in [("loud 5 COLOUR red", 1), ("Colour BLUE Loud -3", 2)] {
        let reply = format!(
            "*8\r\n$4\r\nname\r\n$1\r\na\r\n$4\r\nlast\r\n$1\r\nw\r\n$5\r\ncount\r\n:{count}\r\n\
             $4\r\nfull\r\n:0\r\n"
        );
        client.ask(&format!("TOY.PUT a w 1 {options}"), &reply);
    }
}

#[test]
fn errors_are_worded_as_redis_words_them() {
    let server = Server::start();
    let mut client = server.connect();
    for (line, error) in [
        (
            "TOY.PUT a w",
            "ERR wrong number of arguments for 'toy.put' command",
        ),
        (
            "TOY.LOOK",
            "ERR wrong number of arguments for 'toy.look' command",
        ),
        (
            "TOY.LOOK a b",
            "ERR wrong number of arguments for 'toy.look' command",
        ),
        (
            "TOY.PUT a w 1 COLOUR",
            "ERR syntax error near 'COLOUR': write TOY.PUT name word times [COLOUR red|blue] [LOUD loud]",
        ),
        (
            "TOY.PUT a w 1 SIZE 3",
            "ERR syntax error near 'SIZE': write TOY.PUT name word times [COLOUR red|blue] [LOUD loud]",
        ),
        (
            "TOY.PUT a w 1 LOUD 3 loud 3",
            "ERR syntax error near 'loud': write TOY.PUT name word times [COLOUR red|blue] [LOUD loud]",
        ),
        (
            "TOY.PUT a w one",
            "ERR value is not an integer or out of range",
        ),
        (
            "TOY.PUT a w 1 LOUD 1.5",
            "ERR value is not an integer or out of range",
        ),
        (
            "EVENT.LIST AFTER 9000000000000000000",
            "INVALID after must be a cursor of this server: 9000000000000000000 is of the future",
        ),
        ("TOY.PUT a w 0", "INVALID times must be 1 to 1000, not 0"),
        (
            "TOY.PUT a w 1 COLOUR green",
            "INVALID colour must be one of red blue",
        ),
        ("TOY.PUT a \"\\xff\" 1", "INVALID word must be UTF-8"),
        (
            "foo a b",
            "ERR unknown command 'foo', with args beginning with: 'a' 'b' ",
        ),
        (
            "\"f\\r\\nOK\"",
            "ERR unknown command 'f  OK', with args beginning with: ",
        ),
    ] {
        client.ask(line, &format!("-{error}\r\n"));
    }
}

#[test]
fn list_stands_behind_the_number_of_its_items() {
    let server = Server::start();
    let mut client = server.connect();
    let filled = "*8\r\n$4\r\nname\r\n$1\r\na\r\n$4\r\nlast\r\n$1\r\nw\r\n$5\r\ncount\r\n:7\r\n\
                  $4\r\nfull\r\n:0\r\n";
    for line in [
        "TOY.FILL a 2 v 3 w 4",
        "toy.fill a 2 COLOUR 3 w 4 colour blue",
        "TOY.FILL a 1 w 7",
    ] {
        client.ask(line, filled);
    }
    let arity = "ERR wrong number of arguments for 'toy.fill' command";
    for (line, error) in [
        ("TOY.FILL a", arity),
        ("TOY.FILL a 2 v 3 w", arity),
        ("TOY.FILL a 3 v 3 w 4 COLOUR", arity),
        (
            "TOY.FILL a two v 3",
            "ERR value is not an integer or out of range",
        ),
        (
            "TOY.FILL a 0",
            "INVALID words must have 1 to 3 items, not 0",
        ),
        (
            "TOY.FILL a -1 v 3",
            "INVALID words must have 1 to 3 items, not -1",
        ),
        (
            "TOY.FILL a 9223372036854775807 v 3",
            "INVALID words must have 1 to 3 items, not 9223372036854775807",
        ),
        (
            "TOY.FILL a 1 v x",
            "INVALID words item 1: times must be an integer of 64 bits",
        ),
        (
            "TOY.FILL a 2 v 3 w 0",
            "INVALID words item 2: times must be 1 to 1000, not 0",
        ),
        (
            "TOY.FILL a 1 v 3 w 4",
            "ERR syntax error near 'w': write TOY.FILL name numwords word times [word times ...] [COLOUR red|blue]",
        ),
    ] {
        client.ask(line, &format!("-{error}\r\n"));
    }
}

#[test]
fn pipelined_requests_over_many_partitions_are_answered_in_order() {
    let server = Server::start();
    let mut client = server.connect();
    let (mut asked, mut expected) = (Vec::new(), String::new());
    for at in 0..5_000 {
        let name = format!("box-{}", at * 7919 % 5_003);
        if at % 17 == 0 {
            asked.extend(request(&["ECHO", &name]));
            write!(expected, "${}\r\n{name}\r\n", name.len()).unwrap();
            continue;
        }
        asked.extend(request(&["TOY.LOOK", &name]));
        write!(
            expected,
            "*8\r\n$4\r\nname\r\n${}\r\n{name}\r\n$4\r\nlast\r\n$-1\r\n$5\r\ncount\r\n:0\r\n\
             $4\r\nfull\r\n:0\r\n",
            name.len()
        )
        .unwrap();
    }
    let mut writer = client.stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &asked));
    client.expect(&expected);
    writing.join().unwrap().unwrap();
}

#[test]
fn protocol_changes_for_what_is_asked_after_it_only() {
    let server = Server::start();
    let mut client = server.connect();
    client
        .send("TOY.LOOK b\r\nHELLO 3\r\nTOY.LOOK b\r\nRESET\r\nTOY.LOOK b\r\n")
        .expect(LOOK_B);
    assert_eq!(client.line(), "%7");
    while client.line() != "*0" {}
    assert_eq!(client.line(), "%4");
    while client.line() != "#f" {}
    client.expect("+RESET\r\n").expect(LOOK_B);
}

#[test]
fn request_that_arrives_byte_by_byte_is_answered() {
    let server = Server::start();
    let mut client = server.connect();
    client.stream.set_nodelay(true).unwrap();
    for byte in request(&["TOY.LOOK", "b"]) {
        client.send([byte]);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    client.expect(LOOK_B);
}

#[test]
fn peer_that_writes_all_and_then_reads_gets_all_answers() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("TOY.LOOK b\r\nTOY.LOOK b\r\nTOY.LOO");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    client.expect(LOOK_B).expect(LOOK_B);
    assert_eq!(client.rest(), "");
}

#[test]
fn stopped_front_answers_what_it_took_and_closes() {
    let server = Server::start();
    let mut client = server.connect();
    client.ask("TOY.LOOK b", LOOK_B);
    assert_eq!(server.front.connections(), 1);
    server.front.stop();
    assert_eq!(client.rest(), "");
    drop(client);
    while server.front.connections() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn request_in_the_words_of_another_system_reads_its_arguments_and_answers_as_that_does() {
    let server = Server::start();
    let mut client = server.connect();
    let words = "*2\r\n$1\r\na\r\n$1\r\nb\r\n";
    client.ask(
        "spell OF me a b",
        &format!("*1\r\n*2\r\n$2\r\nme\r\n{words}"),
    );
    let arity = "-ERR wrong number of arguments for 'spell' command\r\n";
    client.ask("SPELL OF me", arity);
    client.ask("SPELL BY me a", "-ERR syntax error, say OF\r\n");
    client.ask("SPELL OF me ?", "-SPELLING of '?' is not known\r\n");
    client.send(request(&["COMMAND", "INFO", "spell"])).expect(
        "*1\r\n*10\r\n$5\r\nspell\r\n:-4\r\n*1\r\n+readonly\r\n:2\r\n:2\r\n:2\r\n*1\r\n+@read\r\n*0\r\n*0\r\n*0\r\n",
    );
    client.send("HELLO 3\r\n");
    while client.line() != "*0" {}
    client.ask("SPELL OF me a b", &format!("%1\r\n$2\r\nme\r\n{words}"));
}
