//! The commands of the front itself.

use tidegate_resp::{Credentials, Options};

use crate::harness::Server;

fn guarded() -> Server {
    let mut options = Options::new("1.2.3");
    options.credentials = Some(Credentials::new("secret"));
    Server::with(options)
}

#[test]
fn small_commands_answer_as_redis_does() {
    let server = Server::start();
    let mut client = server.connect();
    for (line, reply) in [
        ("PING", "+PONG\r\n"),
        ("ping \"a b\"", "$3\r\na b\r\n"),
        (
            "PING a b",
            "-ERR wrong number of arguments for 'ping' command\r\n",
        ),
        ("ECHO x", "$1\r\nx\r\n"),
        ("SELECT 0", "+OK\r\n"),
        ("SELECT 1", "-ERR DB index is out of range\r\n"),
        (
            "SELECT x",
            "-ERR value is not an integer or out of range\r\n",
        ),
        ("CLIENT ID", ":1\r\n"),
        ("CLIENT GETNAME", "$-1\r\n"),
        ("CLIENT SETNAME me", "+OK\r\n"),
        ("CLIENT GETNAME", "$2\r\nme\r\n"),
        (
            "CLIENT SETNAME 'a b'",
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
        ),
        ("CLIENT SETINFO LIB-NAME redis-py", "+OK\r\n"),
        ("CLIENT SETINFO x y", "-ERR syntax error\r\n"),
        (
            "CLIENT SETNAME",
            "-ERR wrong number of arguments for 'client|setname' command\r\n",
        ),
        ("CLIENT KILL x", "-ERR unknown subcommand 'KILL'.\r\n"),
        ("COMMAND COUNT", ":26\r\n"),
        ("COMMAND LIST FILTERBY PATTERN x", "-ERR syntax error\r\n"),
        ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
        (
            "HELLO x",
            "-ERR Protocol version is not an integer or out of range\r\n",
        ),
        ("HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'\r\n"),
        ("AUTH default any", "+OK\r\n"),
        ("RESET", "+RESET\r\n"),
        ("CLIENT GETNAME", "$-1\r\n"),
    ] {
        client.ask(line, reply);
    }
    client.ask("QUIT", "+OK\r\n");
    assert_eq!(client.rest(), "");
}

#[test]
fn hello_tells_of_the_server_in_the_new_protocol() {
    let server = Server::start();
    server.connect().ask(
        "HELLO 3 SETNAME me",
        "%7\r\n$6\r\nserver\r\n$8\r\ntidegate\r\n$7\r\nversion\r\n$5\r\n1.2.3\r\n\
         $5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n\
         $4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
    );
}

#[test]
fn nothing_is_done_before_the_password_is_given() {
    let server = guarded();
    let mut client = server.connect();
    let needed = "-NOAUTH Authentication required.\r\n";
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    for line in [
        "PING",
        "TOY.LOOK a",
        "TOY.LOOK",
        "INFO",
        "nonsense",
        "COMMAND",
    ] {
        client.ask(line, needed);
    }
    client
        .ask("AUTH wrong", wrong)
        .ask("AUTH other secret", wrong)
        .ask("PING", needed);
    client.send("HELLO 3\r\n");
    assert!(client.line().starts_with("-NOAUTH HELLO must be called"));
    client.ask("HELLO 3 AUTH default wrong", wrong);
    client
        .ask("AUTH secret", "+OK\r\n")
        .ask("PING", "+PONG\r\n");
    client.ask("RESET", "+RESET\r\n").ask("PING", needed);
    client.send("HELLO 3 AUTH default secret\r\n");
    assert_eq!(client.line(), "%7");
}

#[test]
fn stranger_may_send_small_requests_only() {
    let server = guarded();
    let error = "-ERR Protocol error: invalid bulk length\r\n";
    server
        .connect()
        .send("*2\r\n$4\r\nAUTH\r\n$20000\r\n")
        .expect(error);
    let error = "-ERR Protocol error: invalid multibulk length\r\n";
    server.connect().send("*11\r\n").expect(error);
}

#[test]
fn info_has_sections_of_lines() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("INFO server\r\n");
    assert!(client.line().starts_with('$'));
    client.expect("# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\n");
    let mut client = server.connect();
    client.send("INFO\r\nQUIT\r\n");
    let info = client.rest();
    for section in [
        "# Clients\r\nconnected_clients:",
        "# Stats\r\n",
        "# Replication\r\nrole:master",
    ] {
        assert!(info.contains(section), "{info}");
    }
}

#[test]
fn list_names_every_command_that_there_is() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("command list\r\nQUIT\r\n");
    let answer = client.rest();
    let lines: Vec<_> = answer.lines().collect();
    let names: Vec<_> = lines[1..].iter().skip(1).step_by(2).take(26).collect();
    assert_eq!(lines[0], "*26", "as many as are counted");
    assert_eq!(lines.len(), 1 + 2 * 26 + 1, "{answer}");
    assert_eq!(names[..2], [&"auth", &"client"]);
    assert_eq!(lines.last(), Some(&"+OK"), "{answer}");
    for name in names {
        let mut client = server.connect();
        client.send(format!("COMMAND INFO {name}\r\n"));
        assert_eq!(
            (client.line(), client.line()),
            ("*1".to_owned(), "*10".to_owned()),
            "{name}"
        );
    }
}

#[test]
fn docs_come_from_the_definitions_of_the_requests() {
    let server = Server::start();
    let mut client = server.connect();
    client.send("COMMAND DOCS toy.look nothing\r\n").expect(
        "*2\r\n$8\r\ntoy.look\r\n*14\r\n$7\r\nsummary\r\n$17\r\nLooks into a box.\r\n\
         $5\r\nsince\r\n$5\r\n1.2.3\r\n$5\r\ngroup\r\n$3\r\ntoy\r\n$9\r\narguments\r\n*1\r\n\
         *8\r\n$4\r\nname\r\n$4\r\nname\r\n$12\r\ndisplay_text\r\n$4\r\nname\r\n$4\r\ntype\r\n\
         $3\r\nkey\r\n$7\r\nsummary\r\n$8\r\nThe box.\r\n\
         $6\r\nsyntax\r\n$13\r\nTOY.LOOK name\r\n\
         $10\r\nwork_class\r\n$6\r\nnormal\r\n\
         $8\r\nrefusals\r\n*2\r\n$10\r\nUNKNOWNBOX\r\n$12\r\nNo such box.\r\n",
    );
    client.ask(
        "COMMAND INFO TOY.PUT nothing",
        "*2\r\n*10\r\n$7\r\ntoy.put\r\n:-4\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:1\r\n:1\r\n\
         *1\r\n+@write\r\n*0\r\n*0\r\n*0\r\n$-1\r\n",
    );
    client.send("COMMAND DOCS TOY.PUT\r\nQUIT\r\n");
    let docs = client.rest();
    assert!(docs.contains("How loud, in percent. Without it 100.\r\n"));
    assert!(docs.contains("How often it is said. 1 to 1000.\r\n"));
    assert!(docs.contains("$5\r\ntoken\r\n$6\r\nCOLOUR\r\n$5\r\nflags\r\n*1\r\n+optional\r\n"));
    assert!(
        docs.contains("$10\r\npure-token\r\n$5\r\ntoken\r\n$4\r\nblue\r\n"),
        "{docs}"
    );
}

#[test]
fn docs_of_a_list_name_its_count_and_the_fields_of_its_items() {
    let server = Server::start();
    let mut client = server.connect();
    client.ask(
        "COMMAND INFO TOY.FILL",
        "*1\r\n*10\r\n$8\r\ntoy.fill\r\n:-5\r\n*2\r\n+write\r\n+denyoom\r\n:1\r\n:1\r\n:1\r\n\
         *1\r\n+@write\r\n*0\r\n*0\r\n*0\r\n",
    );
    client.send("COMMAND DOCS toy.fill\r\nQUIT\r\n");
    let docs = client.rest();
    for part in [
        "$9\r\narguments\r\n*4\r\n",
        "$4\r\nname\r\n$8\r\nnumwords\r\n",
        "$5\r\nblock\r\n$7\r\nsummary\r\n$26\r\nThe words. 1 to 3 of them.\r\n",
        "$5\r\nflags\r\n*1\r\n+multiple\r\n$9\r\narguments\r\n*2\r\n",
        "How often it is said. 1 to 1000.\r\n",
    ] {
        assert!(docs.contains(part), "{part:?} in {docs}");
    }
}

#[test]
fn nothing_of_a_refused_transaction_is_carried_out() {
    let server = Server::start();
    let mut client = server.connect();
    let refused = "-ERR transactions are not supported: nothing between MULTI and EXEC is carried \
                   out. Every command is atomic by itself; send them without MULTI\r\n";
    let discarded = "-EXECABORT Transaction discarded because transactions are not supported\r\n";
    for (line, reply) in [
        ("MULTI", refused),
        ("ECHO x", refused),
        ("EXEC", discarded),
        ("ECHO x", "$1\r\nx\r\n"),
        ("multi", refused),
        ("DISCARD", discarded),
        ("ECHO x", "$1\r\nx\r\n"),
        ("MULTI", refused),
        ("RESET", "+RESET\r\n"),
        ("ECHO x", "$1\r\nx\r\n"),
    ] {
        client.ask(line, reply);
    }
}
