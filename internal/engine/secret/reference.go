package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Reference names a secret that is kept in an environment variable or a file of
// the machine on which it is resolved.
type Reference struct {
	scheme, name string
}

// The schemes of references.
const (
	schemeEnv  = "env"
	schemeFile = "file"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParseReference reads "env:NAME" or "file:/absolute/path". Its errors do not
// repeat the text, which may be a secret in the wrong place.
func ParseReference(text string) (Reference, error) {
	scheme, name, _ := strings.Cut(text, ":")
	switch scheme {
	case schemeEnv:
		if !envName.MatchString(name) {
			return Reference{}, errors.New(`after "env:" comes the name of an environment variable, ` +
				`letters, digits and underscores only, as in "env:SLACK_TOKEN"`)
		}
	case schemeFile:
		if !filepath.IsAbs(name) || strings.ContainsRune(name, 0) {
			return Reference{}, errors.New(`after "file:" comes the absolute path of a file, as in "file:/run/secrets/slack"`)
		}
		name = filepath.Clean(name)
	default:
		return Reference{}, errors.New(`a reference to a secret is "env:NAME" or "file:/absolute/path"; ` +
			`the secret itself belongs in the attribute that ends in _wo`)
	}
	return Reference{scheme, name}, nil
}

// String gives the reference as ParseReference reads it.
func (r Reference) String() string { return r.scheme + ":" + r.name }

// maxSecret bounds the bytes of a file that holds a secret.
const maxSecret = 64 << 10

// Resolve gives the secret as it is now: a file is read each time, and one line
// end at its end does not count. Who may read the file is its owner's affair.
// Errors name the reference, never what was read.
func (r Reference) Resolve(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	var value string
	var err error
	switch r.scheme {
	case schemeEnv:
		value, err = readEnv(r.name)
	case schemeFile:
		value, err = readFile(r.name)
	default:
		err = errors.New("the reference is empty")
	}
	if err != nil {
		return "", fmt.Errorf("resolve the secret %s: %w", r, err)
	}
	return value, nil
}

func readEnv(name string) (string, error) {
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("the agent was started without the environment variable %s; "+
			"set it and stop the agent, so that the next apply starts it again, or refer with file: to a file that holds the secret", name)
	}
	if value == "" {
		return "", fmt.Errorf("the environment variable %s is empty in the agent; "+
			"set it and stop the agent, so that the next apply starts it again", name)
	}
	return value, nil
}

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%w; the file must be on the agent's machine and readable for its user", err)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return "", fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%w; the file must be readable for the agent's user", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxSecret {
		return "", fmt.Errorf("%s has more than %d bytes; it is no secret", path, maxSecret)
	}
	if !utf8.Valid(data) {
		return "", fmt.Errorf("%s is not UTF-8 text; write it anew in that encoding", path)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("%s is empty; write the secret into it", path)
	}
	return value, nil
}
