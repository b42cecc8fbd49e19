package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// result is what became of a fault, or of a test without one.
type result struct {
	Name    string  `json:"name,omitempty"`
	Verdict verdict `json:"verdict,omitempty"` // "" of a test that is good
	Note    string  `json:"note,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Suite   string  `json:"suite,omitempty"` // what the whole suite says of a fault that survived
}

// state is a file to which results are added as they come, so that a run that
// was stopped goes on; later lines win.
type state struct {
	file *os.File
	all  map[string]result
}

type entry struct {
	Key string `json:"key"`
	result
}

func openState(path string) (*state, error) {
	s := &state{all: map[string]result{}}
	read, err := os.Open(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		defer func() { _ = read.Close() }()
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			var e entry
			if json.Unmarshal(lines.Bytes(), &e) == nil { // the last line may be cut short
				s.all[e.Key] = e.result
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if s.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666); err != nil {
		return nil, err
	}
	_, err = s.file.WriteString("\n") // ends a line that was cut short
	return s, err
}

func (s *state) close() { _ = s.file.Close() }

func (s *state) get(key string) (result, bool) {
	r, ok := s.all[key]
	return r, ok
}

func (s *state) forget(key string) { delete(s.all, key) }

func (s *state) put(key string, r result) error {
	s.all[key] = r
	line, err := json.Marshal(entry{key, r})
	if err != nil {
		return err
	}
	_, err = s.file.Write(append(line, '\n'))
	return err
}
