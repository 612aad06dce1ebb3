#!/usr/bin/env bash
# A real OpenLDAP server for tests, on the loopback interface, without root.
#
#   slapd.sh start DIR   start one that keeps everything in DIR; prints KEY=VALUE lines
#   slapd.sh stop DIR    stop it; a later start serves what it held, at the same addresses
#
# Database mdb under dc=example,dc=org with the overlays memberof, refint (a deleted or renamed member
# leaves its groups, or is renamed in them) and syncprov (RFC 4533). Identities: cn=writer (writes
# everything), cn=replica (reads without limits), cn=reader (at most 100 entries a search, unless it asks
# for pages of up to 100). DIR/slapd.log has every operation since the start.
set -euo pipefail

suffix="dc=example,dc=org"
fail() { echo "slapd.sh: $*" >&2; exit 1; }
first() { for path in "$@"; do [ -e "$path" ] && { echo "$path"; return; }; done; return 1; }

slapd=$(command -v slapd || first /usr/sbin/slapd /usr/local/sbin/slapd /usr/libexec/slapd /usr/lib/openldap/slapd) ||
  fail "no slapd here; install it: apt-get install slapd"
command -v openssl >/dev/null || fail "no openssl here; install it: apt-get install openssl"

certificate() { # DIR
  mkdir -p "$1/tls"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=test directory CA" \
    -addext "basicConstraints=critical,CA:TRUE" -keyout "$1/tls/ca.key" -out "$1/tls/ca.crt"
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout "$1/tls/server.key" -out "$1/tls/server.csr"
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >"$1/tls/server.ext"
  openssl x509 -req -days 3650 -in "$1/tls/server.csr" -CA "$1/tls/ca.crt" -CAkey "$1/tls/ca.key" -CAcreateserial \
    -extfile "$1/tls/server.ext" -out "$1/tls/server.crt"
}

configure() { # DIR
  local schema modules module
  schema=$(first /etc/ldap/schema /etc/openldap/schema) || fail "no OpenLDAP schema directory found"
  mkdir -p "$1/data"
  for module in core cosine inetorgperson; do echo "include $schema/$module.schema"; done
  if modules=$(first /usr/lib/ldap /usr/lib/openldap /usr/lib64/openldap); then
    echo "modulepath $modules"
    for module in back_mdb memberof refint syncprov; do
      compgen -G "$modules/$module*" >/dev/null && echo "moduleload $module"
    done
  fi
  cat <<CONF
TLSCertificateFile $1/tls/server.crt
TLSCertificateKeyFile $1/tls/server.key
database mdb
suffix "$suffix"
rootdn "cn=admin,$suffix"
rootpw secret
directory $1/data
maxsize 1073741824
envflags nosync
index objectClass,entryUUID,entryCSN,modifyTimestamp,member,uid eq
limits dn.exact="cn=reader,$suffix" size.soft=100 size.hard=100 size.pr=100 size.prtotal=unlimited
limits dn.exact="cn=writer,$suffix" size=unlimited time=unlimited
limits dn.exact="cn=replica,$suffix" size=unlimited time=unlimited
access to attrs=userPassword by dn.exact="cn=writer,$suffix" write by dn.exact="cn=replica,$suffix" read by anonymous auth by * none
access to * by dn.exact="cn=writer,$suffix" write by dn.exact="cn=replica,$suffix" read by dn.exact="cn=reader,$suffix" read by * none
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes member manager
refint_nothing cn=nobody,$suffix
overlay syncprov
syncprov-sessionlog 1000
CONF
}

base() {
  printf 'dn: %s\nobjectClass: domain\ndc: example\n\n' "$suffix"
  for name in reader replica writer; do
    printf 'dn: cn=%s,%s\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: %s\nuserPassword: secret\n\n' \
      "$name" "$suffix" "$name"
  done
}

start() { # DIR
  local dir port tls_port pid
  dir=$(cd "$1" && pwd)
  if [ ! -e "$dir/ports" ]; then
    certificate "$dir" >"$dir/tls.log" 2>&1 || fail "no certificate could be made: $(tail -3 "$dir/tls.log")"
    configure "$dir" >"$dir/slapd.conf"
    base | "$slapd" -Tadd -f "$dir/slapd.conf" -q >"$dir/slapd.log" 2>&1 ||
      fail "the database could not be made (is slapd confined by AppArmor?): $(tail -3 "$dir/slapd.log")"
  fi
  for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000)) tls_port=$((20000 + RANDOM % 12000))
    [ ! -e "$dir/ports" ] || read -r port tls_port <"$dir/ports"
    : >"$dir/slapd.log"
    nohup "$slapd" -f "$dir/slapd.conf" -h "ldap://127.0.0.1:$port/ ldaps://127.0.0.1:$tls_port/" -d stats \
      </dev/null >>"$dir/slapd.log" 2>&1 &
    pid=$!
    for _ in $(seq 200); do
      kill -0 "$pid" 2>/dev/null || break # the port may be taken
      if grep -q "slapd starting" "$dir/slapd.log"; then
        echo "$pid" >"$dir/pid"
        echo "$port $tls_port" >"$dir/ports"
        printf '%s\n' "LDAP=127.0.0.1:$port" "LDAPS=127.0.0.1:$tls_port" "CA=$dir/tls/ca.crt" "LOG=$dir/slapd.log"
        return
      fi
      sleep 0.05
    done
    kill "$pid" 2>/dev/null || true
  done
  fail "slapd did not come up: $(tail -3 "$dir/slapd.log")"
}

stop() { # DIR
  local pid
  pid=$(cat "$1/pid")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.05; done
  kill -9 "$pid"
}

case ${1:-} in
  start | stop) "$1" "${2:?a directory is missing}" ;;
  *) fail "start DIR or stop DIR" ;;
esac
