package expression

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var encodingFunctions = []definition{
	{
		Function: Function{
			Name: "ConvertToBase64", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Gives base64 of the text in UTF-16, little-endian, without a byte-order mark.",
			Null:    "A null source gives null.",
			Example: Example{`ConvertToBase64("Hello world!")`, nil, "SABlAGwAbABvACAAdwBvAHIAbABkACEA", false},
		},
		evaluate: converted(func(source string) (string, string) {
			units := utf16.Encode([]rune(source))
			bytes := make([]byte, 0, 2*len(units))
			for _, unit := range units {
				bytes = binary.LittleEndian.AppendUint16(bytes, unit)
			}
			return base64.StdEncoding.EncodeToString(bytes), ""
		}),
	},
	{
		Function: Function{
			Name: "ConvertFromBase64", Result: TypeText,
			Parameters: []Parameter{text("source"), {Name: "encoding", Type: TypeWord, Optional: true, Allowed: []string{wordUnicode, wordASCII, wordUTF8}}},
			Summary:    "Gives the text in base64; Unicode, the default, is UTF-16, little-endian.",
			Null:       "A null source gives null. Bytes that are no text in the encoding are an error.",
			Example:    Example{`ConvertFromBase64("SABlAGwAbABvAA==")`, nil, "Hello", false},
		},
		evaluate: convertFromBase64,
	},
	{
		Function: Function{
			Name: "ConvertToUTF8Hex", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Gives the bytes of the text in UTF-8, each as two hexadecimal digits in upper case.",
			Null:    "A null source gives null.",
			Example: Example{`ConvertToUTF8Hex("Hello world!")`, nil, "48656C6C6F20776F726C6421", false},
		},
		evaluate: converted(func(source string) (string, string) {
			return strings.ToUpper(hex.EncodeToString([]byte(source))), ""
		}),
	},
}

// converted evaluates a function of one text, for which null stays null. The
// conversion's second result is what is wrong with the text.
func converted(convert func(string) (result, problem string)) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		source, null, err := in.text(0)
		if err != nil || null {
			return directory.Null, err
		}
		result, problem := convert(source)
		if problem != "" {
			return directory.Null, in.faultOf(0, directory.Text(source), problem)
		}
		return directory.Text(result), nil
	}
}

func convertFromBase64(in invocation) (directory.Value, error) {
	source, null, err := in.text(0)
	if err != nil || null {
		return directory.Null, err
	}
	encoding, err := in.choice(1)
	if err != nil {
		return directory.Null, err
	}
	data, err := base64.StdEncoding.DecodeString(source)
	if err != nil {
		return directory.Null, in.faultOf(0, directory.Text(source), "it is not base64")
	}
	result, ok := string(data), utf8.Valid(data)
	switch encoding {
	case wordASCII:
		for _, b := range data {
			ok = ok && b < utf8.RuneSelf
		}
	case wordUnicode:
		result, ok = decodeUTF16(data)
	}
	if !ok {
		return directory.Null, in.faultOf(0, directory.Text(source), "its bytes are no text in the encoding "+encoding)
	}
	return directory.Text(result), nil
}

// decodeUTF16 reads little-endian UTF-16; false when bytes or surrogates are
// unpaired.
func decodeUTF16(data []byte) (string, bool) {
	if len(data)%2 != 0 {
		return "", false
	}
	var out strings.Builder
	for len(data) > 0 {
		r := rune(binary.LittleEndian.Uint16(data))
		data = data[2:]
		if utf16.IsSurrogate(r) {
			if len(data) == 0 {
				return "", false
			}
			r = utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(data)))
			data = data[2:]
			if r == utf8.RuneError {
				return "", false
			}
		}
		out.WriteRune(r)
	}
	return out.String(), true
}
