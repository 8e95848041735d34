package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
)

// wire is a connection that speaks RESP2, the same for Redis and Tidegate.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
}

func dial(address string) (*wire, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn, bufio.NewReaderSize(conn, 1<<16), bufio.NewWriterSize(conn, 1<<16)}, nil
}

func (w *wire) send(words ...string) {
	fmt.Fprintf(w.out, "*%d\r\n", len(words))
	for _, word := range words {
		w.out.WriteByte('$')
		w.out.WriteString(strconv.Itoa(len(word)))
		w.out.WriteString("\r\n")
		w.out.WriteString(word)
		w.out.WriteString("\r\n")
	}
}

func (w *wire) call(words ...string) (any, error) {
	w.send(words...)
	if err := w.out.Flush(); err != nil {
		return nil, err
	}
	return w.reply()
}

func (w *wire) line() (string, error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	return line[:len(line)-2], nil
}

// reply is a string, an int, nil, or a list of these.
func (w *wire) reply() (any, error) {
	line, err := w.line()
	if err != nil {
		return nil, err
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, fmt.Errorf("answered %s", rest)
	case ':':
		return strconv.Atoi(rest)
	case '$':
		size, err := strconv.Atoi(rest)
		if err != nil || size < 0 {
			return nil, err
		}
		bytes := make([]byte, size+2)
		_, err = io.ReadFull(w.in, bytes)
		return string(bytes[:size]), err
	case '*':
		count, err := strconv.Atoi(rest)
		if err != nil || count < 0 {
			return nil, err
		}
		items := make([]any, count)
		for at := range items {
			if items[at], err = w.reply(); err != nil {
				return nil, err
			}
		}
		return items, nil
	}
	return nil, fmt.Errorf("no RESP: %q", line)
}

// field of a map, which RESP2 writes as a list of names and values.
func field(reply any, name string) any {
	items, _ := reply.([]any)
	for at := 0; at+1 < len(items); at += 2 {
		if items[at] == name {
			return items[at+1]
		}
	}
	return nil
}

// line0 ends in a line feed alone.
func (w *wire) line0() (string, error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	return line[:len(line)-1], nil
}
