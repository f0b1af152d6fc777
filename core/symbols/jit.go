package symbols

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
)

// parseJIT reads a perf-PID.map, in which a runtime such as a JVM names the code that it made:
// "start size name", numbers in hex. A line that is not whole, or not yet, is left out. Of two at
// one address the later one was made last.
func parseJIT(r io.Reader) (*Table, error) {
	var functions []Function
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			slices.Reverse(functions)
			return newTable(functions), nil
		}
		if err != nil {
			return nil, err
		}
		start, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		size, name, _ := strings.Cut(rest, " ")
		address, bad := strconv.ParseUint(strings.TrimPrefix(start, "0x"), 16, 64)
		length, worse := strconv.ParseUint(strings.TrimPrefix(size, "0x"), 16, 64)
		if bad == nil && worse == nil && length > 0 && name != "" {
			functions = append(functions, Function{name, address, length})
		}
	}
}
