package audit

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxLine bounds the bytes of an entry in the log.
const maxLine = 1 << 20

// encode gives the entry's line without its end. One that would be longer than
// maxLine loses the ends of its long texts, then its last steps and properties.
func encode(e Entry) ([]byte, error) {
	line, err := appendEntry(nil, e)
	if err != nil || len(line) <= maxLine {
		return line, err
	}
	line, err = appendEntry(nil, shortened(e))
	if err == nil && len(line) > maxLine {
		return nil, fmt.Errorf("a log entry of %d bytes is longer than %d", len(line), maxLine)
	}
	return line, err
}

// appendEntry writes an entry as encoding/json does, but for nil lists, which
// are empty ones, and for escapes that JSON does not ask for. Each object of a
// cycle has an entry, so it does so without reflection.
func appendEntry(line []byte, e Entry) ([]byte, error) {
	line = slices.Grow(line, 512+160*len(e.Steps)+96*len(e.ModifiedProperties)) // what most entries fit in
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

// appendText appends a JSON string, in which bytes that are no UTF-8 are U+FFFD:
// all that AppendQuote finds wrong with a text. Most texts are plain, and an
// entry has about a hundred.
func appendText(line []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			line, _ = jsontext.AppendQuote(line, text)
			return line
		}
	}
	return append(append(append(line, '"'), text...), '"')
}
