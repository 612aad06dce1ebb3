package expression

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var randomFunctions = []definition{
	{
		Function: Function{
			Name: "Guid", Result: TypeText,
			Summary: "Gives a random UUID, another one each time.",
			Null:    "It takes nothing.",
			Example: Example{`Guid()`, nil, "0b87f4d9-6d2a-4c6f-9a53-1f0c3a5e7b21", true},
		},
		impure:   true,
		evaluate: guid,
	},
	{
		Function: Function{
			Name: "RandomString", Result: TypeText,
			Parameters: []Parameter{
				integer("length"), integer("minimumNumbers"), integer("minimumSpecialCharacters"),
				integer("minimumCapital"), integer("minimumLowerCase"), optional(text("charactersToAvoid")),
			},
			Summary: "Gives random characters, at most 256, with at least so many digits, special characters, capitals and small letters, and none of those to avoid.",
			Null:    "Null numbers, minimums beyond the length, and a class of which every character is to be avoided are errors.",
			Example: Example{`RandomString(6, 3, 0, 0, 3)`, nil, "7q4xb1", true},
		},
		impure:   true,
		prepare:  prepareRandomString,
		evaluate: randomString,
	},
}

// characterClasses are those of Windows' password complexity, in the order of
// RandomString's minimums.
var characterClasses = [...]string{
	"0123456789", "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz",
}

func guid(in invocation) (directory.Value, error) {
	var b [16]byte
	if err := in.random(b[:]); err != nil {
		return directory.Null, err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return directory.Text(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
}

// random fills b from the environment's source.
func (in invocation) random(b []byte) error {
	if in.env.Random == nil {
		return in.fault(-1, "random values are not given here")
	}
	if _, err := io.ReadFull(in.env.Random, b); err != nil {
		return fmt.Errorf("read random bytes: %w", err)
	}
	return nil
}

func prepareRandomString(n *call) (any, *refusal) {
	var numbers [1 + len(characterClasses)]int64
	for i := range numbers {
		constant, ok := n.arguments[i].(*literal)
		if !ok {
			return nil, nil
		}
		numbers[i], _ = toInteger(constant.value)
	}
	if problem := checkLengths(numbers); problem != "" {
		return nil, &refusal{argument: 0, problem: problem, expected: "a length of at most 256 that all minimums fit into"}
	}
	return nil, nil
}

// checkLengths says what is wrong with the length and the minimums.
func checkLengths(numbers [1 + len(characterClasses)]int64) string {
	length, sum := numbers[0], int64(0)
	if length < 0 || length > maxRandom {
		return fmt.Sprintf("the length must be from 0 to %d", maxRandom)
	}
	for _, least := range numbers[1:] {
		if least < 0 || least > maxRandom {
			return fmt.Sprintf("a minimum must be from 0 to %d", maxRandom)
		}
		sum += least
	}
	if sum > length {
		return fmt.Sprintf("the minimums are %d characters together, the length is %d", sum, length)
	}
	return ""
}

func randomString(in invocation) (directory.Value, error) {
	var numbers [1 + len(characterClasses)]int64
	for i := range numbers {
		var err error
		if numbers[i], err = in.integer(i); err != nil {
			return directory.Null, err
		}
	}
	if problem := checkLengths(numbers); problem != "" {
		return directory.Null, in.fault(-1, problem)
	}
	characters, _, err := in.text(len(numbers))
	if err != nil {
		return directory.Null, err
	}
	avoid := newRuneSet(characters)
	out := make([]byte, 0, numbers[0])
	var all string
	for i, class := range characterClasses {
		class = strings.Map(func(r rune) rune {
			if avoid.has(r) {
				return -1
			}
			return r
		}, class)
		all += class
		if out, err = in.pick(out, class, len(out)+int(numbers[i+1])); err != nil {
			return directory.Null, err
		}
	}
	if out, err = in.pick(out, all, int(numbers[0])); err != nil {
		return directory.Null, err
	}
	for i := len(out) - 1; i > 0; i-- {
		j, err := in.below(i + 1)
		if err != nil {
			return directory.Null, err
		}
		out[i], out[j] = out[j], out[i]
	}
	return directory.Text(string(out)), nil
}

// pick appends characters of a class up to the length.
func (in invocation) pick(out []byte, class string, length int) ([]byte, error) {
	if class == "" && len(out) < length {
		return nil, in.fault(len(characterClasses)+1, "it leaves no character to choose from")
	}
	for len(out) < length {
		i, err := in.below(len(class))
		if err != nil {
			return nil, err
		}
		out = append(out, class[i])
	}
	return out, nil
}

// below gives a random number from 0 to n-1; of 64 bits, the remainder favours
// none noticeably.
func (in invocation) below(n int) (int, error) {
	var b [8]byte
	if err := in.random(b[:]); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint64(b[:]) % uint64(n)), nil
}
