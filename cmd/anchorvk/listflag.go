package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// list is a flag that takes one value or several with commas. Given twice, the
// last one counts, as with flags of one value.
type list[T any] struct {
	to    *[]T
	parse func(text string) (T, error)
	kind  string // what the values are, as pflag names types
}

// numbers and wholes are lists of float64, where inf is one, and of int.
func numbers(to *[]float64) pflag.Value {
	return list[float64]{to, func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }, "numbers"}
}

func wholes(to *[]int) pflag.Value {
	return list[int]{to, strconv.Atoi, "wholes"}
}

// whole is a number that has no default of its own: the list is empty without it.
func whole(to *[]int) pflag.Value {
	return list[int]{to, strconv.Atoi, "wholeOrPreset"}
}

func (l list[T]) Set(text string) error {
	var values []T
	parts := []string{text}
	if l.kind != "wholeOrPreset" {
		parts = strings.Split(text, ",")
	}
	for _, part := range parts {
		value, err := l.parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		values = append(values, value)
	}
	*l.to = values
	return nil
}

func (l list[T]) String() string {
	var texts []string
	if l.to != nil {
		for _, value := range *l.to {
			texts = append(texts, fmt.Sprint(value))
		}
	}
	return strings.Join(texts, ",")
}

func (l list[T]) Type() string { return l.kind }
