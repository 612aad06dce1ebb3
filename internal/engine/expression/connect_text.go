package expression

import (
	"strings"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func inStrRev(in invocation) (directory.Value, error) {
	source, null, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	search, _, err := in.text(1)
	if err != nil {
		return directory.Null, err
	}
	if in.has(2) {
		end, err := in.integer(2)
		if err == nil && end < 1 {
			err = in.faultOf(2, directory.Integer(end), "the first character is 1")
		}
		if err != nil {
			return directory.Null, err
		}
		source = source[:offset(source, end)]
	}
	compare, err := in.choice(3)
	if err != nil || null {
		return directory.Integer(0), err
	}
	if compare == wordTextCompare {
		source, search = strings.Map(foldRune, source), strings.Map(foldRune, search)
	}
	at := strings.LastIndex(source, search)
	if at < 0 {
		return directory.Integer(0), nil
	}
	return directory.Integer(int64(utf8.RuneCountInString(source[:at]) + 1)), nil
}

// padded evaluates a function that brings a text to a length.
func padded(join func(source, padding string) string) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		source, null, err := in.text(0)
		if err != nil {
			return directory.Null, err
		}
		length, err := in.integer(1)
		if err != nil {
			return directory.Null, err
		}
		character, _, err := in.text(2)
		if err != nil {
			return directory.Null, err
		}
		if utf8.RuneCountInString(character) != 1 {
			return directory.Null, in.faultOf(2, directory.Text(character), "one character is expected")
		}
		missing := length - int64(utf8.RuneCountInString(source))
		switch {
		case null || missing <= 0:
			return directory.Text(source), nil
		case missing > MaxText/int64(len(character)):
			return directory.Null, in.tooLarge("bytes", MaxText)
		}
		return directory.Text(join(source, strings.Repeat(character, int(missing)))), nil
	}
}

func right(in invocation) (directory.Value, error) {
	source, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	count, err := in.integer(1)
	if err != nil {
		return directory.Null, err
	}
	if skipped := int64(utf8.RuneCountInString(source)) - count; count >= 0 && skipped > 0 {
		source = source[offset(source, skipped):]
	}
	return directory.Text(source), nil
}

// parseDictionary reads {character}:{text}, with commas between; white space
// means nothing. problem says what is wrong with it.
func parseDictionary(text string) (dictionary map[rune]string, problem string) {
	text = strings.Join(strings.Fields(text), "")
	dictionary = make(map[rune]string)
	if text == "" {
		return dictionary, ""
	}
	for entry := range strings.SplitSeq(text, ",") {
		from, to, paired := strings.Cut(entry, ":")
		if !paired || utf8.RuneCountInString(from) != 1 {
			return nil, "the entry " + shorten(entry) + " is not a character, a colon and a text"
		}
		r, _ := utf8.DecodeRuneInString(from)
		dictionary[r] = to
	}
	return dictionary, ""
}

func prepareReplaceChars(n *call) (any, *refusal) {
	text, constant := n.text(1)
	if !constant {
		return nil, nil
	}
	dictionary, problem := parseDictionary(text)
	if problem != "" {
		return nil, &refusal{argument: 1, problem: problem, expected: "a text such as ä:a,ö:oe"}
	}
	return dictionary, nil
}

func replaceChars(in invocation) (directory.Value, error) {
	source, null, err := in.text(0)
	if err != nil || null {
		return directory.Null, err
	}
	dictionary, prepared := in.call.prepared.(map[rune]string)
	if !prepared {
		text, _, err := in.text(1)
		if err != nil {
			return directory.Null, err
		}
		var problem string
		if dictionary, problem = parseDictionary(text); problem != "" {
			return directory.Null, in.faultOf(1, directory.Text(text), problem)
		}
	}
	var out strings.Builder
	for _, r := range source {
		if to, found := dictionary[r]; found {
			out.WriteString(to)
		} else {
			out.WriteRune(r)
		}
		if out.Len() > MaxText {
			return directory.Null, in.tooLarge("bytes", MaxText)
		}
	}
	return directory.Text(out.String()), nil
}
