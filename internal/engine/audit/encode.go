package audit

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxLine bounds the bytes of an entry in the log.
const maxLine = 1 << 20

// encode gives the entry's line without its end. One that would be longer than
// maxLine loses the ends of its long texts, then its last steps and properties.
func encode(e *Entry) ([]byte, error) {
	line, err := appendEntry(make([]byte, 0, room(e)), e)
	if err != nil || len(line) <= maxLine {
		return line, err
	}
	cut := shortened(*e)
	line, err = appendEntry(nil, &cut)
	if err == nil && len(line) > maxLine {
		return nil, fmt.Errorf("a log entry of %d bytes is longer than %d", len(line), maxLine)
	}
	return line, err
}

// room gives how many bytes an entry's line takes when no text has to be escaped,
// which few have.
func room(e *Entry) int {
	const (
		identity = len(`,"source":{"type":"","id":"","display_name":""}`)
		entry    = len(`{"id":"","time":"2006-01-02T15:04:05.999Z","app_id":"","cycle_id":"","change_id":"","category":"","action":"","status":""`) +
			2*identity + len(`,"steps":[],"modified_properties":[],"reason":"","error_code":"","recommended_action":"","initiated_by":"","duration_ms":1234567}`)
		step     = len(`{"name":"","type":"","status":"","description":"","details":{}},`)
		detail   = len(`"":"",`)
		property = len(`{"name":"","old":null,"new":null},`)
	)
	size := entry + len(e.ID) + len(e.AppID) + len(e.CycleID) + len(e.ChangeID) + len(e.Category) + len(e.Action) + len(e.Status) +
		len(e.Reason) + len(e.ErrorCode) + len(e.RecommendedAction) + len(e.InitiatedBy)
	for _, i := range [...]*Identity{&e.Source, &e.Target} {
		size += len(i.Type) + len(i.ID) + len(i.DisplayName)
	}
	for i := range e.Steps {
		s := &e.Steps[i]
		size += step + len(s.Name) + len(s.Type) + len(s.Status) + len(s.Description)
		for _, d := range s.Details {
			size += detail + len(d.Name) + len(d.Value)
		}
	}
	for i := range e.ModifiedProperties {
		p := &e.ModifiedProperties[i]
		size += property + len(p.Name)
		for _, value := range [...]*string{p.Old, p.New} {
			if value != nil {
				size += len(*value)
			}
		}
	}
	return size
}

// appendEntry writes an entry as encoding/json does, but for nil lists, which
// are empty ones, and for escapes that JSON does not ask for. Each object of a
// cycle has an entry, so it does so without reflection.
func appendEntry(line []byte, e *Entry) ([]byte, error) {
	line = appendField(line, `{"id":`, e.ID)
	line = append(line, `,"time":"`...)
	line, err := e.Time.AppendText(line)
	if err != nil {
		return nil, err
	}
	line = appendField(line, `","app_id":`, e.AppID)
	line = appendField(line, `,"cycle_id":`, e.CycleID)
	if e.ChangeID != "" {
		line = appendField(line, `,"change_id":`, e.ChangeID)
	}
	line = appendField(line, `,"category":`, string(e.Category))
	line = appendField(line, `,"action":`, string(e.Action))
	line = appendField(line, `,"status":`, string(e.Status))
	line = appendIdentity(line, `,"source":`, e.Source)
	line = appendIdentity(line, `,"target":`, e.Target)
	line = append(line, `,"steps":[`...)
	for i, step := range e.Steps {
		line = appendStep(separate(line, i), step)
	}
	line = append(line, `],"modified_properties":[`...)
	for i, property := range e.ModifiedProperties {
		line = appendProperty(separate(line, i), property)
	}
	line = appendField(line, `],"reason":`, e.Reason)
	line = appendField(line, `,"error_code":`, e.ErrorCode)
	line = appendField(line, `,"recommended_action":`, e.RecommendedAction)
	line = appendField(line, `,"initiated_by":`, e.InitiatedBy)
	line = append(line, `,"duration_ms":`...)
	line = strconv.AppendInt(line, e.DurationMS, 10)
	return append(line, '}'), nil
}

func appendIdentity(line []byte, name string, i Identity) []byte {
	line = append(line, name...)
	line = appendField(line, `{"type":`, i.Type)
	line = appendField(line, `,"id":`, i.ID)
	line = appendField(line, `,"display_name":`, i.DisplayName)
	return append(line, '}')
}

func appendStep(line []byte, s Step) []byte {
	line = appendField(line, `{"name":`, s.Name)
	line = appendField(line, `,"type":`, string(s.Type))
	line = appendField(line, `,"status":`, string(s.Status))
	line = appendField(line, `,"description":`, s.Description)
	if len(s.Details) > 0 {
		line = appendDetails(append(line, `,"details":`...), s.Details)
	}
	return append(line, '}')
}

func appendDetails(line []byte, d Details) []byte {
	line = append(line, '{')
	for i, detail := range d {
		line = append(appendText(separate(line, i), detail.Name), ':')
		line = appendText(line, detail.Value)
	}
	return append(line, '}')
}

func appendProperty(line []byte, p Property) []byte {
	line = appendField(line, `{"name":`, p.Name)
	line = appendValue(line, `,"old":`, p.Old)
	line = appendValue(line, `,"new":`, p.New)
	return append(line, '}')
}

// separate puts a comma before all elements but the first.
func separate(line []byte, i int) []byte {
	if i > 0 {
		line = append(line, ',')
	}
	return line
}

func appendValue(line []byte, name string, value *string) []byte {
	if value == nil {
		return append(append(line, name...), "null"...)
	}
	return appendField(line, name, *value)
}

// appendField appends a field, whose name comes with the punctuation around it.
func appendField(line []byte, name, value string) []byte {
	return appendText(append(line, name...), value)
}

// plain are the bytes that a JSON string has as they are, whatever is around them.
var plain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// appendText appends a JSON string, in which bytes that are no UTF-8 are U+FFFD:
// all that AppendQuote finds wrong with a text. Most texts are plain but for the
// quotes of a path, and an entry has about a hundred.
func appendText(line []byte, text string) []byte {
	start, from := len(line), 0
	line = append(line, '"')
	for i := range len(text) {
		c := text[i]
		if plain[c] {
			continue
		}
		if c != '"' && c != '\\' {
			line, _ = jsontext.AppendQuote(line[:start], text)
			return line
		}
		line = append(append(line, text[from:i]...), '\\')
		from = i
	}
	return append(append(line, text[from:]...), '"')
}
