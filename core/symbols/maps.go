package symbols

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

// mapping is a line of /proc/PID/maps.
type mapping struct {
	start, end, offset uint64
	code               bool
	path               string // of a file; "[vdso]" and the like; "" where there is none
}

// parseMaps reads text in the form of /proc/PID/maps, which is sorted.
func parseMaps(r io.Reader) ([]mapping, error) {
	var all []mapping
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		m, ok := parseMapping(lines.Text())
		if !ok {
			return nil, fmt.Errorf("no mapping: %q", lines.Text())
		}
		all = append(all, m)
	}
	return all, lines.Err()
}

// parseMapping reads "start-end perms offset device inode   path", where the path may have blanks.
func parseMapping(line string) (m mapping, ok bool) {
	var fields [5]string
	for i := range fields {
		fields[i], line, _ = strings.Cut(strings.TrimLeft(line, " "), " ")
	}
	start, end, _ := strings.Cut(fields[0], "-")
	var errs [3]error
	m.start, errs[0] = strconv.ParseUint(start, 16, 64)
	m.end, errs[1] = strconv.ParseUint(end, 16, 64)
	m.offset, errs[2] = strconv.ParseUint(fields[2], 16, 64)
	m.code = strings.Contains(fields[1], "x")
	m.path = strings.ReplaceAll(strings.TrimLeft(line, " "), `\012`, "\n")
	return m, errs == [3]error{} && m.start < m.end && fields[4] != ""
}

func mappingAt(all []mapping, address uint64) (mapping, bool) {
	i := sort.Search(len(all), func(i int) bool { return all[i].end > address })
	if i == len(all) || address < all[i].start {
		return mapping{}, false
	}
	return all[i], true
}
