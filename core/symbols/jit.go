package symbols

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
)

// What is read of a map: anyone may have written it.
const (
	mostMap  = 64 << 20
	mostMade = 1 << 20
)

// parseJIT reads a perf-PID.map, in which a runtime such as a JVM names the code that it made:
// "start size name", numbers in hex. A line that is not whole, or not yet, is left out. Of two at
// one address the later one was made last. Of a file that has no end, the rest is cut off.
func parseJIT(r io.Reader) (*Table, error) {
	var functions []Function
	bytes := io.LimitedReader{R: r, N: mostMap}
	lines := bufio.NewReader(&bytes)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF || len(functions) == mostMade {
			slices.Reverse(functions)
			table := newTable(functions)
			table.cut = err == nil || bytes.N == 0
			return table, nil
		}
		if err != nil {
			return nil, err
		}
		start, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		size, name, _ := strings.Cut(rest, " ")
		address, bad := strconv.ParseUint(strings.TrimPrefix(start, "0x"), 16, 64)
		length, worse := strconv.ParseUint(strings.TrimPrefix(size, "0x"), 16, 64)
		if bad == nil && worse == nil && length > 0 && name != "" {
			functions = append(functions, Function{name, address, length, len(functions)})
		}
	}
}
