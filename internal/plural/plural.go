// Package plural makes messages that count read as English.
package plural

import "fmt"

// Of is a number with its noun: "1 row", "2 rows", "0 rows". Either noun may
// have more words, such as a verb.
func Of[N int | int64 | uint64](n N, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", one)
	}
	return fmt.Sprintf("%d %s", n, many)
}
