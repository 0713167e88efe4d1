package pgsession

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// libpqVariables contains the variable of the environment for each setting of a connection string that programs of PostgreSQL
// know. They do not know other settings, which are parameters of the session.
var libpqVariables = map[string]string{
	"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD",
	"passfile": "PGPASSFILE", "service": "PGSERVICE", "servicefile": "PGSERVICEFILE", "options": "PGOPTIONS", "sslmode": "PGSSLMODE",
	"sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslrootcert": "PGSSLROOTCERT", "sslcrl": "PGSSLCRL", "sslsni": "PGSSLSNI",
	"ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION", "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
	"channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE", "krbsrvname": "PGKRBSRVNAME",
	"connect_timeout": "PGCONNECT_TIMEOUT", "target_session_attrs": "PGTARGETSESSIONATTRS",
}

// LibpqEnvironment returns the variables with which the programs of PostgreSQL, such as pg_dump, connect to the database of a
// connection string. Other users of the machine cannot read them, unlike arguments. Parameters of the session are left out.
func LibpqEnvironment(dsn string) ([]string, error) {
	values, err := keywords(dsn)
	if err != nil {
		return nil, err
	}
	var env []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if variable := libpqVariables[key]; variable != "" && values[key] != "" {
			env = append(env, variable+"="+values[key])
		}
	}
	return env, nil
}

// keywords returns the settings in a connection string, which is a URL or a list of keyword=value.
func keywords(dsn string) (map[string]string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return keywordList(dsn)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse the address of the database: %w", err.(*url.Error).Err) //nolint:errorlint,forcetypeassert // url.Parse returns no other; its text would contain the password
	}
	values := map[string]string{"dbname": strings.TrimPrefix(u.Path, "/")}
	if u.User != nil {
		values["user"] = u.User.Username()
		values["password"], _ = u.User.Password()
	}
	var hosts, ports []string
	for one := range strings.SplitSeq(u.Host, ",") {
		host, port, err := net.SplitHostPort(one)
		if err != nil {
			host, port = strings.Trim(one, "[]"), ""
		}
		hosts, ports = append(hosts, host), append(ports, port)
	}
	values["host"], values["port"] = strings.Join(hosts, ","), strings.Join(ports, ",")
	if strings.Trim(values["port"], ",") == "" {
		values["port"] = ""
	}
	for key, all := range u.Query() {
		values[alias(key)] = all[0]
	}
	return values, nil
}

// alias returns the keyword of a parameter of a URL.
func alias(key string) string {
	if key == "database" {
		return "dbname"
	}
	return key
}

// keywordList parses a list such as "host=db user='the owner'", in which \ escapes a character.
func keywordList(text string) (map[string]string, error) {
	values := map[string]string{}
	for {
		key, rest, found := strings.Cut(strings.TrimLeft(text, " \t\n\r"), "=")
		if !found {
			if strings.TrimSpace(key) != "" {
				return nil, fmt.Errorf("parse the address of the database: there is no = after %q", strings.TrimSpace(key))
			}
			return values, nil
		}
		rest = strings.TrimLeft(rest, " \t\n\r")
		end := " \t\n\r"
		if strings.HasPrefix(rest, "'") {
			rest, end = rest[1:], "'"
		}
		var value strings.Builder
		i := 0
		for ; i < len(rest) && !strings.ContainsRune(end, rune(rest[i])); i++ {
			if rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			value.WriteByte(rest[i])
		}
		values[alias(strings.TrimSpace(key))] = value.String()
		text = rest[min(i+1, len(rest)):]
	}
}
