package ldap

import (
	"errors"
	"strings"
)

// description is a definition of an attribute type or object class as schemas
// hold it (RFC 4512 section 4.1): the words that follow each keyword.
type description map[string][]string

var errDescription = errors.New("it is no schema description as of RFC 4512")

// flags are the keywords that stand alone.
var flags = map[string]bool{
	"OBSOLETE": true, "SINGLE-VALUE": true, "COLLECTIVE": true, "NO-USER-MODIFICATION": true,
	"ABSTRACT": true, "STRUCTURAL": true, "AUXILIARY": true,
}

// parseDescription parses one. The object identifier is dropped: names are what
// entries use.
func parseDescription(text string) (description, error) {
	words, ok := wordsOf(text)
	if !ok || len(words) < 3 || words[0] != "(" || words[len(words)-1] != ")" {
		return nil, errDescription
	}
	words = words[2 : len(words)-1]
	d := make(description)
	for len(words) > 0 {
		keyword := words[0]
		words = words[1:]
		switch {
		case !isKeyword(keyword):
			return nil, errDescription
		case flags[keyword]:
			d[keyword] = []string{}
		case len(words) == 0:
			return nil, errDescription
		case words[0] != "(":
			d[keyword], words = []string{words[0]}, words[1:]
		default:
			end := 1
			for end < len(words) && words[end] != ")" {
				if words[end] != "$" {
					d[keyword] = append(d[keyword], words[end])
				}
				end++
			}
			if end == len(words) {
				return nil, errDescription
			}
			words = words[end+1:]
		}
	}
	return d, nil
}

// isKeyword reports whether a word may stand for a keyword.
func isKeyword(word string) bool {
	return word != "" && 'A' <= word[0] && word[0] <= 'Z' && strings.ToUpper(word) == word
}

// wordsOf cuts a description into parentheses, dollars, quoted texts (without
// their quotes) and bare words.
func wordsOf(text string) (words []string, ok bool) {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return words, true
		}
		switch text[0] {
		case '(', ')', '$':
			words, text = append(words, text[:1]), text[1:]
		case '\'':
			quoted, rest, closed := strings.Cut(text[1:], "'")
			if !closed {
				return nil, false
			}
			words, text = append(words, quoted), rest
		default:
			end := strings.IndexAny(text, " \t\r\n()$'")
			if end < 0 {
				end = len(text)
			}
			words, text = append(words, text[:end]), text[end:]
		}
	}
}

func (d description) has(keyword string) bool { _, has := d[keyword]; return has }

// first gives the first word of a keyword, less a length: "1.3.6{32}".
func (d description) first(keyword string) string {
	if len(d[keyword]) == 0 {
		return ""
	}
	word, _, _ := strings.Cut(d[keyword][0], "{")
	return word
}
