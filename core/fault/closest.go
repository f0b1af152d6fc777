package fault

import (
	"iter"
	"strings"
)

// Closest returns the candidate nearest to name by edit distance, or "" when none is within a
// third of its length. Of several the one that begins most like it wins; to leave out the end of a
// name is one mistake.
func Closest(name string, candidates iter.Seq[string]) string {
	most := len(name)/3 + 1
	best, limit, begin := "", most, -1
	for c := range candidates {
		d := 1
		if c == name || len(c) > len(name)+most || len(c)+most < len(name) {
			continue
		} else if !strings.HasPrefix(c, name) {
			d = distance(name, c, limit)
		}
		if d < limit || d == limit && common(name, c) > begin {
			best, limit, begin = c, d, common(name, c)
		}
	}
	return best
}

// common is the length of what two names begin with.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance is the number of letters to insert, to delete, to change or to swap with the next one that
// make b of a, or limit+1 when it is more than limit.
func distance(a, b string, limit int) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		least := next[0]
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
			least = min(least, next[j+1])
		}
		if least > limit {
			return limit + 1
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
