package expression

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// The places of FormatDateTime's arguments.
const (
	formatSource = iota
	formatStyles
	formatInput
	formatOutput
)

// arrangeFormat makes room for the styles in a call of three arguments.
func arrangeFormat(arguments []node) []node {
	if len(arguments) != 3 {
		return arguments
	}
	return []node{arguments[0], nil, arguments[1], arguments[2]}
}

// formatting is what is constant of a call of FormatDateTime.
type formatting struct {
	styles        *dateStyles
	input, output dateFormat
}

func prepareFormat(n *call) (any, *refusal) {
	prepared := &formatting{}
	if text, constant := n.text(formatStyles); constant {
		styles, unknown := parseStyles(text)
		if unknown != "" {
			nearest, _ := Nearest(unknown, styleNames)
			return nil, &refusal{argument: formatStyles, problem: "unknown style " + shorten(unknown), suggestion: nearest}
		}
		prepared.styles = &styles
	} else if !n.has(formatStyles) {
		prepared.styles = &defaultStyles
	}
	for i, format := range map[int]*dateFormat{formatInput: &prepared.input, formatOutput: &prepared.output} {
		text, constant := n.text(i)
		if !constant {
			continue
		}
		compiled, err := compileDateFormat(text)
		if err != nil {
			return nil, &refusal{argument: i, problem: err.Error(), expected: "a .NET date format such as yyyy-MM-dd"}
		}
		*format = compiled
	}
	return prepared, nil
}

func formatDateTime(in invocation) (directory.Value, error) {
	prepared := in.call.prepared.(*formatting)
	value, err := in.single(formatSource)
	if err != nil {
		return directory.Null, err
	}
	styles, err := in.styles(prepared)
	if err != nil {
		return directory.Null, err
	}
	input, err := in.format(formatInput, prepared.input)
	if err != nil {
		return directory.Null, err
	}
	output, err := in.format(formatOutput, prepared.output)
	if err != nil {
		return directory.Null, err
	}
	t, ok := value.AsTime()
	if !ok {
		if t, err = input.parse(value.String(), styles); err != nil {
			return directory.Null, in.faultOf(formatSource, value, "it does not fit the input format"+in.detail(err))
		}
	}
	if !inCalendar(t) {
		return directory.Null, in.fault(formatSource, "the date is not in the years 1 to 9999")
	}
	return directory.Text(output.format(t)), nil
}

func (in invocation) styles(prepared *formatting) (dateStyles, error) {
	if prepared.styles != nil {
		return *prepared.styles, nil
	}
	text, _, err := in.text(formatStyles)
	if err != nil || text == "" {
		return defaultStyles, err
	}
	styles, unknown := parseStyles(text)
	if unknown != "" {
		return styles, in.faultOf(formatStyles, directory.Text(unknown), "the style is not known")
	}
	return styles, nil
}

func (in invocation) format(i int, prepared dateFormat) (dateFormat, error) {
	if prepared != nil {
		return prepared, nil
	}
	text, _, err := in.text(i)
	if err != nil {
		return nil, err
	}
	format, err := compileDateFormat(text)
	if err != nil {
		return nil, in.faultOf(i, directory.Text(text), "it is no date format"+in.detail(err))
	}
	return format, nil
}
