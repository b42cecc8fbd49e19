package tensorfile

import (
	"errors"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unicodeReader passes JSON on, and refuses what Go's decoder would replace with
// U+FFFD without a word: bytes that are not UTF-8, and halves of surrogate
// pairs. Names that differ only there would become one.
type unicodeReader struct {
	r      io.Reader
	rune   [utf8.UTFMax]byte // its bytes so far
	size   int
	escape []byte // the escape that is being read, from its backslash on
	high   rune   // the first half of a pair, whose second one must follow
	wrong  error  // told again to a decoder that passes over it
}

var (
	errNotUTF8  = errors.New("it is not UTF-8")
	errHalfPair = errors.New("it has half a surrogate pair in a name or text")
)

func (u *unicodeReader) Read(p []byte) (int, error) {
	if u.wrong != nil {
		return 0, u.wrong
	}
	n, err := u.r.Read(p)
	for i, b := range p[:n] {
		if u.wrong = u.next(b); u.wrong != nil {
			return i, u.wrong
		}
	}
	if err == io.EOF && u.size > 0 {
		u.wrong = errNotUTF8
		return n, u.wrong
	}
	return n, err
}

func (u *unicodeReader) next(b byte) error {
	u.rune[u.size] = b
	u.size++
	if utf8.FullRune(u.rune[:u.size]) {
		if r, size := utf8.DecodeRune(u.rune[:u.size]); r == utf8.RuneError && size == 1 {
			return errNotUTF8
		}
		u.size = 0
	}
	switch {
	case len(u.escape) == 0 && b != '\\':
		return u.follow(0)
	case len(u.escape) == 1 && b != 'u': // another escape
		u.escape = u.escape[:0]
		return u.follow(0)
	}
	if u.escape = append(u.escape, b); len(u.escape) < len(`\u0000`) {
		return nil
	}
	unit, err := strconv.ParseUint(string(u.escape[2:]), 16, 16)
	u.escape = u.escape[:0]
	if err != nil {
		return nil //nolint:nilerr // no JSON, as the decoder will tell
	}
	return u.follow(rune(unit))
}

// follow takes in the next character, or unit of UTF-16 if it is an escape.
func (u *unicodeReader) follow(unit rune) error {
	switch {
	case u.high != 0 && utf16.DecodeRune(u.high, unit) == utf8.RuneError:
		return errHalfPair
	case u.high != 0:
		u.high = 0
	case utf16.IsSurrogate(unit):
		if utf16.DecodeRune(unit, 0xdc00) == utf8.RuneError { // a second half comes first
			return errHalfPair
		}
		u.high = unit
	}
	return nil
}
