package compile

import (
	"errors"
	"strings"
)

// split cuts text into words as a shell does: by blanks, with quotes and backslashes, and
// without replacing anything.
func split(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote byte
	inside := false // of a word, which may be an empty one in quotes
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == '\'' && c != '\'', quote == '"' && c != '"' && c != '\\':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\'' || c == '"':
			quote, inside = c, true
		case c == '\\':
			if i++; i == len(text) {
				return nil, errors.New("a backslash ends it")
			}
			switch next := text[i]; {
			case next == '\n': // continues the line
			case quote == '"' && !strings.ContainsRune("\"\\$`", rune(next)):
				word.WriteByte('\\')
				fallthrough
			default:
				word.WriteByte(next)
			}
			inside = true
		case strings.ContainsRune(" \t\r\n", rune(c)):
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			word.WriteByte(c)
			inside = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}
