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

// skip throws a reply away without a copy of it.
func (w *wire) skip() error {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	kind, rest := line[0], string(line[1:len(line)-2])
	switch kind {
	case '-':
		return fmt.Errorf("answered %s", rest)
	case '$':
		size, err := strconv.Atoi(rest)
		if err != nil || size < 0 {
			return err
		}
		_, err = w.in.Discard(size + 2)
		return err
	case '*':
		count, err := strconv.Atoi(rest)
		for ; err == nil && count > 0; count-- {
			err = w.skip()
		}
		return err
	}
	return nil
}

// array tells how many replies a list has that begins here; -1 if there is none.
func (w *wire) array() (int, error) {
	line, err := w.line()
	if err != nil {
		return 0, err
	}
	if line[0] != '*' {
		return 0, fmt.Errorf("answered %s", line[1:])
	}
	return strconv.Atoi(line[1:])
}

// count gives the fields of a map but for one list, of which it tells how many it has.
func (w *wire) count(list string) (map[string]any, int, error) {
	words, err := w.array()
	fields, counted := map[string]any{}, 0
	for ; err == nil && words > 0; words -= 2 {
		var name, value any
		if name, err = w.reply(); err != nil {
			break
		}
		if name != list {
			value, err = w.reply()
			fields[name.(string)] = value
			continue
		}
		counted, err = w.array()
		for at := 0; err == nil && at < counted; at++ {
			err = w.skip()
		}
	}
	return fields, counted, err
}

// entries gives the ids of what XREADGROUP has read of one stream.
func (w *wire) entries() ([]string, error) {
	streams, err := w.array()
	if err != nil || streams < 0 {
		return nil, err
	}
	if _, err = w.array(); err == nil {
		err = w.skip()
	}
	if err != nil {
		return nil, err
	}
	count, err := w.array()
	ids := make([]string, 0, max(count, 0))
	for ; err == nil && count > 0; count-- {
		var id any
		if _, err = w.array(); err == nil {
			id, err = w.reply()
		}
		if err == nil {
			ids = append(ids, id.(string))
			err = w.skip()
		}
	}
	return ids, err
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
