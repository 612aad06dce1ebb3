package connector

// yielded passes accounts on and remembers how that went, to tell a target's
// errors from those of the caller's own yield.
type yielded struct {
	yield func(Account) error
	count int
	err   error
}

func (y *yielded) pass(a Account) error {
	y.count++
	y.err = y.yield(a)
	return y.err
}
