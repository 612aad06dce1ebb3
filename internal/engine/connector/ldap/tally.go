package ldap

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// sum is a digest of a set: the sum of its members' digests, so that their
// order is of no account.
type sum [2]uint64

func (s *sum) add(member sum) {
	s[0] += member[0]
	s[1] += member[1]
}

func sumOf(parts ...string) sum {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	digest := hash.Sum(nil)
	return sum{binary.BigEndian.Uint64(digest), binary.BigEndian.Uint64(digest[8:])}
}

// digest gives the digest of a text, as text.
func digest(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:16])
}

// tally is what the entries of a search come to, whether they are read whole or
// only listed.
type tally struct {
	Names  sum       `json:"names"`  // anchors and DNs
	States sum       `json:"states"` // anchors, DNs and modifyTimestamps
	Latest time.Time `json:"latest"` // youngest modifyTimestamp; zero when there is none
}

// nameSum gives an entry's share of Names.
func nameSum(a anchor, entry *goldap.Entry) sum {
	dn, err := NormalizeDN(entry.DN)
	if err != nil {
		dn = entry.DN
	}
	return sumOf(string(a[:]), dn)
}

// add counts an entry in.
func (t *tally) add(a anchor, entry *goldap.Entry) {
	name := nameSum(a, entry)
	t.Names.add(name)
	modified := timestamp(entry, modifiedAttribute)
	t.States.add(sumOf(string(a[:]), string(binary.BigEndian.AppendUint64(nil, name[0])), modified.Format(time.RFC3339Nano)))
	if modified.After(t.Latest) {
		t.Latest = modified
	}
}
