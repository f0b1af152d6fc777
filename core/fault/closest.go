package fault

import "iter"

// Closest returns the candidate nearest to name by edit distance, or "" when none is within a
// third of its length.
func Closest(name string, candidates iter.Seq[string]) string {
	best, limit := "", len(name)/3+1
	for c := range candidates {
		if c == name || len(c) > len(name)+limit || len(c)+limit < len(name) {
			continue
		}
		if d := distance(name, c, limit); d < limit || (d == limit && best == "") {
			best, limit = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b, or limit+1 when it is more than limit.
func distance(a, b string, limit int) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
			least = min(least, row[j+1])
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
