package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// population is the directory that is provisioned: users in a CSV file of about
// 800 bytes a row, in groups of a hundred, and one group of every second user.
// Every user but the first has a manager; every hundredth has no user name. What
// a user's row holds follows from his number and from how the population stands.
type population struct {
	dir   string
	users int

	retitled bool // every hundredth user has another title
	left     bool // every tenth user is no employee any more
	joined   bool // one more is in the large group
	reversed bool // the rows stand in reverse order
}

func newPopulation(dir string, users int) *population { return &population{dir: dir, users: users} }

const groupSize = 100

// groups gives how many there are, the large one included.
func (p *population) groups() int { return (p.users+groupSize-1)/groupSize + 1 }

// bad gives how many users have no user name.
func (p *population) bad() int {
	n := 0
	for i := range p.users {
		if isBad(i) {
			n++
		}
	}
	return n
}

func isBad(i int) bool      { return i%100 == 57 }
func isRetitled(i int) bool { return i%100 == 31 }
func hasLeft(i int) bool    { return i%10 == 4 }

// joiner is the user who comes into the large group, of which odd ones are no
// members.
const joiner = 33

func (p *population) usersPath() string  { return filepath.Join(p.dir, "users.csv") }
func (p *population) groupsPath() string { return filepath.Join(p.dir, "groups.jsonl") }

// write puts both files in the place of those before, each whole at once, and
// gives their size.
func (p *population) write() (size int64, err error) {
	for path, write := range map[string]func(io.Writer) error{p.usersPath(): p.writeUsers, p.groupsPath(): p.writeGroups} {
		if err := replace(path, write); err != nil {
			return 0, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}

func replace(path string, write func(io.Writer) error) error {
	file, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// each calls f with every number up to n in the order of the rows.
func (p *population) each(n int, f func(i int) error) error {
	for at := range n {
		i := at
		if p.reversed {
			i = n - 1 - at
		}
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

func (p *population) writeUsers(w io.Writer) error {
	if _, err := io.WriteString(w, "id,mail,first_name,last_name,display_name,title,department,employee_number,phone,mobile,street,city,country,language,type,manager_id,notes\n"); err != nil {
		return err
	}
	return p.each(p.users, func(i int) error {
		mail := fmt.Sprintf("given%d.family%d@example.com", i, i)
		if isBad(i) {
			mail = ""
		}
		title := "Senior Specialist for Things of Class " + strconv.Itoa(i%40)
		if p.retitled && isRetitled(i) {
			title = "Principal " + title
		}
		kind := "employee"
		if p.left && hasLeft(i) {
			kind = "leaver"
		}
		manager := ""
		if i > 0 {
			manager = fmt.Sprintf("%08d", i/8)
		}
		_, err := fmt.Fprintf(w, "%08d,%s,Given%d,Family%d,Given%d Family%d,%s,Department %d of the Company,E%08d,+1 555 %07d,+1 556 %07d,%d Example Street,City %d,US,en,%s,%s,\"%0550d, and a comma\"\n",
			i, mail, i, i, i, i, title, i%60, i, i%10_000_000, i%10_000_000, i%900, i%300, kind, manager, i)
		return err
	})
}

func (p *population) writeGroups(w io.Writer) error {
	small := p.groups() - 1
	err := p.each(small, func(g int) error {
		members := make([]byte, 0, 11*groupSize)
		for i := g * groupSize; i < min((g+1)*groupSize, p.users); i++ {
			members = appendMember(members, i)
		}
		_, err := fmt.Fprintf(w, `{"id":"g%07d","name":"Group %d","members":[%s]}`+"\n", g, g, members)
		return err
	})
	if err != nil {
		return err
	}
	members := make([]byte, 0, 11*(p.users/2+1))
	for i := 0; i < p.users; i += 2 {
		members = appendMember(members, i)
	}
	if p.joined {
		members = appendMember(members, joiner)
	}
	_, err = fmt.Fprintf(w, `{"id":"half","name":"Every second","members":[%s]}`+"\n", members)
	return err
}

func appendMember(members []byte, i int) []byte {
	if len(members) > 0 {
		members = append(members, ',')
	}
	return fmt.Appendf(members, `"%08d"`, i)
}
