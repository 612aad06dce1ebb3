package expression

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.Expression)
	}
	for _, function := range Functions() {
		f.Add(function.Example.Expression)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Position < 0 || syntax.Position > len(text) || syntax.Line < 1 || syntax.Column < 1 || syntax.Problem == "" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		checkRoundTrip(t, e)
	})
}

func FuzzEvaluate(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.Expression, "John", "2021-03-05T07:08:09Z", int64(3))
	}
	for _, function := range Functions() {
		f.Add(function.Example.Expression, "a,b;c", "cn=x,dc=y", int64(-1))
	}
	f.Fuzz(func(t *testing.T, text, a, b string, n int64) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		given := []directory.Value{
			directory.Text(a), directory.Text(b), directory.Integer(n), directory.Boolean(n > 0), directory.Null, directory.Text(""),
			directory.Texts(a, b), directory.Texts(a), directory.List(), directory.Time(time.Unix(n, 0)),
			directory.List(directory.Complex(directory.Member{Name: "value", Value: directory.Text(a)}, directory.Member{Name: "displayName", Value: directory.Integer(n)})),
		}
		for i := range given {
			next := i
			env := &Environment{
				Attribute:     func(string) (directory.Value, bool) { next++; return given[next%len(given)], true },
				Now:           func() (time.Time, error) { return time.Unix(n, 0), nil },
				Random:        seeded(byte(i)),
				Taken:         func(string) (bool, bool, error) { return n%2 == 0, n%3 != 0, nil },
				DefaultDomain: b,
			}
			start := time.Now()
			result, err := e.Evaluate(env)
			if took := time.Since(start); took > slow {
				t.Fatalf("%s took %v", text, took)
			}
			if err != nil {
				var fault *EvaluationError
				var need *NeedUnique
				if !errors.As(err, &fault) && !errors.As(err, &need) {
					t.Fatalf("%s: %#v", text, err)
				}
				if fault != nil && fault.Problem == "" {
					t.Fatalf("%s: no problem is named", text)
				}
				continue
			}
			if size, problem := measure(result.Value, true); problem != "" {
				t.Fatalf("%s gives %d bytes: %s", text, size, problem)
			}
		}
	})
}

func FuzzDates(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.FFFK", "2021-03-05T07:08:09.5Z")
	f.Add("dddd d MMM yy h:m tt zzz", "Friday 5 Mar 21 7:08 PM +01:00")
	f.Fuzz(func(t *testing.T, format, text string) {
		if instant, ok := parseInstant(text); ok && !inCalendar(instant) {
			t.Fatalf("%q is %v", text, instant)
		}
		compiled, err := compileDateFormat(format)
		if err != nil {
			return
		}
		instant, err := compiled.parse(text, defaultStyles)
		if err != nil {
			return
		}
		if !inCalendar(instant) {
			t.Fatalf("%q by %q is %v", text, format, instant)
		}
		compiled.format(instant)
	})
}

// What a certificate says is text, whatever its bytes.
func FuzzCertificate(f *testing.F) {
	der, err := base64.StdEncoding.DecodeString(exampleCertificate)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Fuzz(func(t *testing.T, der []byte) {
		c, problem := readCertificate(base64.StdEncoding.EncodeToString(der))
		if problem != "" {
			return
		}
		texts := append(c.criticalExtensions(), issuerName(c), subjectName(c), keyAlgorithm(c))
		for _, nameType := range []string{nameSimple, nameEmail, nameUPN, nameDNS, nameDNSOnly, nameURL} {
			for _, issuer := range []bool{false, true} {
				name, _ := c.nameOf(nameType, issuer)
				texts = append(texts, name)
			}
		}
		for _, text := range texts {
			if !utf8.ValidString(text) {
				t.Fatalf("%q is not valid UTF-8", text)
			}
		}
		if len(c.serialNumber()) == 0 {
			t.Fatal("there is no serial number")
		}
	})
}
