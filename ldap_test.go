package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/ldap/slapdtest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// wiki is the example of a directory as it stands, in a workspace of its own:
// a real directory server, and the app that it provisions to.
type wiki struct {
	*workspace
	app       *sampleapp.App
	directory *slapdtest.Server
	writer    *goldap.Conn
	appID     string
	cut       atomic.Int64 // bytes that the directory may answer on one connection; 0: no bound
}

const wikiToken = "canary-0b1d22f9-token"

// newWiki applies the example on a directory of so many people, which is read
// as one of its identities.
func newWiki(t *testing.T, people int, reader string) *wiki {
	t.Helper()
	x := &wiki{workspace: newWorkspace(t), directory: slapdtest.New(t)}
	if err := os.CopyFS(x.dir, os.DirFS("examples/ldap")); err != nil {
		t.Fatal(err)
	}
	x.directory.Seed(t, people)
	x.writer = x.directory.Connect(t)
	front := slapdtest.Before(t, x.directory.LDAP, func(total int, chunk []byte) ([]byte, bool) {
		if cut := int(x.cut.Load()); cut > 0 && total+len(chunk) > cut {
			return chunk[:max(0, cut-total)], true
		}
		return chunk, false
	})
	x.app = sampleapp.New(sampleapp.Options{Token: wikiToken})
	server := httptest.NewServer(x.app)
	t.Cleanup(server.Close)
	x.env = append(x.env, "TF_VAR_data_dir="+x.dataDir, "TF_VAR_base_url="+server.URL+"/scim/v2", "WIKI_TOKEN="+wikiToken,
		"TF_VAR_ldap_url=ldap://"+front.Address, "TF_VAR_base_dn="+slapdtest.Suffix, "TF_VAR_bind_dn="+reader, "TF_VAR_bind_password="+slapdtest.Password)
	return x
}

// applied applies the example and finds its app.
func (x *wiki) applied() outcome {
	x.t.Helper()
	o := x.workspace.applied()
	apps, err := x.agent().List(x.t.Context(), config.KindApp, api.ListQuery{})
	if err != nil || len(apps) != 1 {
		x.t.Fatalf("%d apps: %v", len(apps), err)
	}
	x.appID = apps[0].GetID()
	return o
}

// cycle runs one, and gives what became of it.
func (x *wiki) cycle() api.WaitResult {
	x.t.Helper()
	agent := x.agent()
	ctx, stop := context.WithTimeout(x.t.Context(), patience)
	defer stop()
	if err := agent.StartJob(ctx, x.appID, "test"); err != nil {
		x.t.Fatal(err)
	}
	result, err := agent.Wait(ctx, x.appID, api.WaitRequest{For: "next_cycle"}, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	return result
}

// sent runs a cycle that must succeed, and gives the writes that it took: the
// method and the name concerned.
func (x *wiki) sent() []string {
	x.t.Helper()
	x.app.ForgetRequests()
	if result := x.cycle(); !result.Succeeded {
		x.t.Fatalf("the cycle did not succeed: %s %s", result.Reason, result.Advice)
	}
	var writes []string
	for _, request := range x.app.Requests() {
		if request.Method != "GET" {
			writes = append(writes, request.Method+" "+request.Target)
		}
	}
	slices.Sort(writes)
	return writes
}

func (x *wiki) modify(dn string, edit func(*goldap.ModifyRequest)) {
	x.t.Helper()
	request := goldap.NewModifyRequest(dn, nil)
	edit(request)
	if err := x.writer.Modify(request); err != nil {
		x.t.Fatal(err)
	}
}

// status gives what the command line tells of the job, however it goes.
func (x *wiki) status() string {
	x.t.Helper()
	cmd := exec.Command(program, "status", "wiki", "--data-dir", x.dataDir)
	cmd.Env = append(os.Environ(), x.env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		x.t.Fatal(err)
	}
	return string(out)
}

// user gives the account of that user name.
func (x *wiki) user(name string) sampleapp.Resource {
	x.t.Helper()
	user, ok := x.app.User(name)
	if !ok {
		x.t.Fatalf("%s has no account", name)
	}
	return user
}

// members gives the names of a group's members.
func (x *wiki) members(group string) []string {
	x.t.Helper()
	of, ok := x.app.Group(group)
	if !ok {
		x.t.Fatalf("there is no group %s", group)
	}
	var names []string
	for _, id := range of.Members {
		member, ok := x.app.Resource(sampleapp.User, id)
		if !ok {
			member, ok = x.app.Resource(sampleapp.Group, id)
		}
		if !ok {
			x.t.Errorf("%s has a member %s that does not exist", group, id)
		}
		names = append(names, member.Name)
	}
	slices.Sort(names)
	return names
}

// nextSecond waits until the directory's clock, which is this machine's, shows
// another second: its timestamps tell no less apart.
func nextSecond() {
	for begin := time.Now().Unix(); time.Now().Unix() == begin; {
		time.Sleep(5 * time.Millisecond)
	}
}

func mail(i int) string { return fmt.Sprintf("p%05d@example.org", i) }

// TestLDAP runs the example from the first apply on: it does what its comments
// say, later plans and cycles change nothing, and joiners, movers and leavers
// cost the requests that they are worth. The directory is read by content
// synchronization, and by modification time.
func TestLDAP(t *testing.T) {
	t.Parallel()
	const people = 30
	for way, reader := range map[string]string{"syncrepl": slapdtest.Replica, "modify_timestamp": slapdtest.Reader} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			x := newWiki(t, people, reader)
			if reader == slapdtest.Reader { // whom the server gives pages of 100
				x.edit("main.tf", `url    = var.ldap_url`, "url = var.ldap_url\n    page_size = 50\n    incremental = \""+way+"\"")
			}
			x.applied()

			// Each tenth is an intern. Of the awkward ones, one has no mail and so no
			// user name, one has three, and one no type, which no comparison admits.
			want := map[string]any{"code": "active", "managed": map[string]any{"User": float64(people - people/10 + 3), "Group": float64(slapdtest.Groups)}}
			if got := output[map[string]any](x.workspace, "status"); !reflect.DeepEqual(got, want) {
				t.Errorf("the output is %v, want %v", got, want)
			}
			x.settled()
			x.checkAccounts(people)
			for range 4 {
				if writes := x.sent(); len(writes) > 0 {
					t.Errorf("an idle cycle sent %q", writes)
				}
			}
			x.settled()
			x.checkChanges(people)
			x.applied() // the outputs
			x.settled()
			want["managed"].(map[string]any)["User"] = float64(people - people/10 + 3 + 3) // a joiner, an intern who stayed, and one whose mail was corrected
			if got := output[map[string]any](x.workspace, "status"); !reflect.DeepEqual(got, want) {
				t.Errorf("the output is %v, want %v", got, want)
			}
			for _, secret := range []string{wikiToken, `"` + slapdtest.Password + `"`} {
				assertNowhere(t, x.dir, secret)
				assertNowhere(t, x.dataDir, secret)
			}
		})
	}
}

// edit replaces a text of a file of the configuration.
func (x *wiki) edit(name, old, new string) {
	x.t.Helper()
	text, err := os.ReadFile(filepath.Join(x.dir, name))
	if err != nil || !strings.Contains(string(text), old) {
		x.t.Fatalf("%s does not hold %q: %v", name, old, err)
	}
	x.write(name, strings.Replace(string(text), old, new, 1))
}

// checkAccounts wants what the example says of the people that were seeded.
func (x *wiki) checkAccounts(people int) {
	t := x.t
	t.Helper()
	for i := 1; i <= people; i++ {
		if _, ok := x.app.User(mail(i)); ok == (i%10 == 0) {
			t.Errorf("person %d has an account: %t", i, ok)
		}
	}
	boss := x.user(mail(2))
	ada := x.user(mail(5)) // whose manager is person 2 of 3
	if managerOf(ada) != boss.ID || ada.Attributes["nickName"] != "finn" || ada.ExternalID != "p00005" || ada.Attributes["title"] != "Title 5" {
		t.Errorf("person 5: %+v, the manager is %s", ada, boss.ID)
	}
	zoe := x.user("zoe@example.org")
	if name := zoe.Attributes["name"].(map[string]any); name["familyName"] != "Müller-Øster" || name["givenName"] != "Zoë" {
		t.Errorf("zoe: %+v", zoe)
	}
	if managerOf(zoe) != "" {
		t.Error("zoe has a manager, who has no account")
	}
	x.user("binary@example.org")
	x.user("long@example.org")
	if _, ok := x.app.User("untyped@example.org"); ok {
		t.Error("one without a type has an account")
	}
	log := x.engine("audit", "wiki", "--json", "--limit", "1000")
	for _, what := range []string{"O'Brien", "Item(", "EntryJoiningPropertyValueIsMissing", `"Type"`} {
		if !strings.Contains(log, what) {
			t.Errorf("the log does not tell of %s", what)
		}
	}
	for group, want := range map[string][]string{
		"group03": {mail(3), mail(18)}, "group17": {"group18", mail(1)}, "group18": {"group17"}, "group19": {"group02", "group03"}, "group20": {"group19"},
	} {
		if got := x.members(group); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", group, got, want)
		}
	}
	if all := x.members("group01"); len(all) != people-people/10 {
		t.Errorf("group01 has %d members", len(all))
	}
}

// checkChanges plays what becomes of people, one cycle each.
func (x *wiki) checkChanges(people int) {
	t := x.t
	t.Helper()
	step := func(what string, want ...string) {
		t.Helper()
		nextSecond()
		if writes := x.sent(); !slices.Equal(writes, want) {
			t.Errorf("%s: sent %q, want %q", what, writes, want)
		}
	}

	joiner := goldap.NewAddRequest("uid=new,"+slapdtest.PeopleDN, nil)
	for name, value := range map[string]string{"objectClass": "inetOrgPerson", "uid": "new", "cn": "New", "givenName": "New", "sn": "One", "employeeType": "employee", "mail": "new@example.org", "manager": slapdtest.PersonDN(5)} {
		joiner.Attribute(name, []string{value})
	}
	if err := x.writer.Add(joiner); err != nil {
		t.Fatal(err)
	}
	x.modify(slapdtest.GroupDN(3), func(r *goldap.ModifyRequest) { r.Add("member", []string{joiner.DN}) })
	step("a joiner", "PATCH group03", "POST new@example.org")
	if joined := x.user("new@example.org"); managerOf(joined) != x.user(mail(5)).ID || !slices.Contains(x.members("group03"), "new@example.org") {
		t.Errorf("the joiner is %+v", joined)
	}

	x.modify(slapdtest.PersonDN(6), func(r *goldap.ModifyRequest) { r.Replace("title", []string{"Lead"}) })
	step("a new title", "PATCH "+mail(6))

	// Another name takes the references along, and is nobody else.
	id := x.user(mail(5)).ID
	if err := x.writer.ModifyDN(goldap.NewModifyDNRequest(slapdtest.PersonDN(5), "uid=moved", true, "")); err != nil {
		t.Fatal(err)
	}
	step("a new name", "PATCH "+mail(5))
	if moved := x.user(mail(5)); moved.ID != id || moved.ExternalID != "moved" || managerOf(x.user("new@example.org")) != id {
		t.Errorf("the mover is %+v", moved)
	}

	// An intern who stays is one of the employees, and of their groups.
	x.modify(slapdtest.PersonDN(10), func(r *goldap.ModifyRequest) { r.Replace("employeeType", []string{"employee"}) })
	step("an intern who stays", "PATCH group01", "PATCH group10", "POST "+mail(10))

	// To leave what is read is no word of a deletion: disabled now.
	if err := x.writer.Del(goldap.NewDelRequest(slapdtest.PersonDN(7), nil)); err != nil {
		t.Fatal(err)
	}
	step("a leaver", "PATCH group01", "PATCH group07", "PATCH "+mail(7))
	if x.user(mail(7)).Active() || slices.Contains(x.members("group01"), mail(7)) {
		t.Error("the leaver is active, or a member still")
	}

	x.modify(slapdtest.GroupDN(18), func(r *goldap.ModifyRequest) { r.Replace("member", []string{slapdtest.GroupDN(20)}) })
	step("a nested group", "PATCH group18", "PATCH group18") // one leaves, one comes
	if got := x.members("group18"); !slices.Equal(got, []string{"group20"}) {
		t.Errorf("group18 has %q", got)
	}

	x.modify(slapdtest.PersonDN(8), func(r *goldap.ModifyRequest) { r.Replace("employeeType", []string{"intern"}) })
	x.modify(slapdtest.Odd, func(r *goldap.ModifyRequest) { r.Replace("mail", []string{"pat@example.org"}) })
	nextSecond()
	x.sent()
	if x.user(mail(8)).Active() {
		t.Error("one who is an intern now is active")
	}
	if pat := x.user("pat@example.org"); managerOf(x.user("zoe@example.org")) != pat.ID {
		t.Error("zoe has not got her manager, who has an account now")
	}
}

// TestLDAP_gone stops the directory, cuts it off in mid-read, and changes its
// password: nobody is removed, the status says why, and when it can be read
// again all goes on.
func TestLDAP_gone(t *testing.T) {
	t.Parallel()
	const people = 60
	x := newWiki(t, people, slapdtest.Replica)
	x.applied()
	before := fmt.Sprint(x.app.Users(), x.app.Groups())
	fails := func(what string, parts ...string) {
		t.Helper()
		x.app.ForgetRequests()
		result := x.cycle()
		if result.Succeeded || !strings.Contains(result.Reason, "the source cannot be read") || result.Advice == "" {
			t.Errorf("%s: %+v", what, result)
		}
		text := x.status()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: the status does not say %q:\n%s", what, part, text)
			}
		}
		if after := fmt.Sprint(x.app.Users(), x.app.Groups()); after != before || len(x.app.Requests()) > 0 {
			t.Errorf("%s: the app was changed", what)
		}
	}

	// Everything is to be read again after a deletion; in this it is cut.
	if err := x.writer.Del(goldap.NewDelRequest(slapdtest.PersonDN(people-1), nil)); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int64{1, 9_000, 20_000} {
		x.cut.Store(cut)
		fails(fmt.Sprintf("cut after %d bytes", cut), "the connection was lost")
	}
	x.cut.Store(0)
	if err := x.directory.Stop(); err != nil {
		t.Fatal(err)
	}
	fails("stopped", "the source cannot be read")
	if o := x.plan(); o.code == 1 {
		t.Errorf("no plan can be made while the directory is away:\n%s", o.text)
	}

	x.directory.Restart(t)
	x.writer = x.directory.Connect(t)
	if writes := x.sent(); !slices.Contains(writes, "PATCH "+mail(people-1)) || x.user(mail(people-1)).Active() {
		t.Errorf("back again, %q were sent, and the leaver is active: %t", writes, x.user(mail(people-1)).Active())
	}
	x.settled()

	// Another password of the bind DN: the job waits in quarantine for it.
	x.modify(slapdtest.Replica, func(r *goldap.ModifyRequest) { r.Replace("userPassword", []string{"rotated"}) })
	before = fmt.Sprint(x.app.Users(), x.app.Groups())
	fails("another password", "quarantine", "Invalid Credentials")
	x.edit("main.tf", "password_wo_version = 1", "password_wo_version = 2")
	x.env = append(x.env, "TF_VAR_bind_password=wrong")
	o := x.apply()
	o.says(t, "error", "Invalid Credentials", "The credential stays as it was.")
	x.env = append(x.env, "TF_VAR_bind_password=rotated")
	x.applied()
	if text := x.status(); strings.Contains(text, "quarantine") {
		t.Errorf("the new password does not lift the quarantine:\n%s", text)
	}
	x.applied() // the output, which was read before the new password was there
	x.settled()
}
