package expression

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWhatAnEnvironmentMayLack(t *testing.T) {
	for _, text := range []string{`Now()`, `Guid()`, `RandomString(1, 0, 0, 0, 0)`, `DefaultDomain()`} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var fault *EvaluationError
		if _, err := e.Evaluate(&Environment{}); !errors.As(err, &fault) {
			t.Errorf("%s: error %v", text, err)
		}
	}
	broken := errors.New("broken")
	env := &Environment{
		Now:    func() (time.Time, error) { return time.Time{}, broken },
		Random: strings.NewReader("short"),
		Taken:  func(string) (bool, bool, error) { return false, false, broken },
	}
	for _, text := range []string{`Now()`, `SelectUniqueValue("a", "b")`} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Evaluate(env); !errors.Is(err, broken) {
			t.Errorf("%s: error %v", text, err)
		}
	}
	e, err := Parse(`Guid()`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(env); err == nil {
		t.Error("a GUID of five random bytes")
	}
}

func TestSelectUniqueValue(t *testing.T) {
	e, err := Parse(`SelectUniqueValue([a], [b], [c], Append([a], "4"))`)
	if err != nil {
		t.Fatal(err)
	}
	source := object(t, `{"a": "one", "b": "", "c": "three"}`)
	known := map[string]bool{}
	env := &Environment{Attribute: source.Get, Taken: func(value string) (bool, bool, error) {
		taken, found := known[value]
		return taken, found, nil
	}}
	var asked []string
	for range 10 {
		result, err := e.Evaluate(env)
		var need *NeedUnique
		if errors.As(err, &need) {
			asked = append(asked, need.Value)
			known[need.Value] = need.Value != "one4"
			continue
		}
		if err != nil || result.Value.String() != "one4" {
			t.Fatalf("%v, error %v", result.Value, err)
		}
		break
	}
	if strings.Join(asked, " ") != "one three one4" {
		t.Fatalf("asked for %v", asked)
	}
	known["one4"] = true
	_, err = e.Evaluate(env)
	var fault *EvaluationError
	if !errors.Is(err, ErrNoUniqueValue) || !errors.As(err, &fault) {
		t.Fatalf("error %v, want ErrNoUniqueValue", err)
	}
	result, err := e.Evaluate(&Environment{Taken: env.Taken})
	if err != nil || !result.Value.IsNull() {
		t.Fatalf("%v, error %v; want null of nulls", result.Value, err)
	}
}

func TestConcurrentEvaluations(t *testing.T) {
	e, err := Parse(`ToUpper(Replace([a], , "(?<x>[0-9]+)", , "<${x}>"), "tr-TR") & Switch([b], "d", "1", FormatDateTime([d], "yyyy-MM-dd", "MMM"))`)
	if err != nil {
		t.Fatal(err)
	}
	source := object(t, `{"a": "i1", "b": 1, "d": "2021-03-05"}`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				result, err := e.Evaluate(&Environment{Attribute: source.Get})
				if err != nil || result.Value.String() != "İ<1>Mar" {
					t.Errorf("%v, error %v", result.Value, err)
					return
				}
			}
		})
	}
	group.Wait()
}
