package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const allKeys = `"add_source", "compression", "delay_compression", "drop_below", "durable", "enqueue", "file", "file_mode", "format", ` +
	`"level", "local_time", "max_age", "max_backups", "max_total_size", "queue_size", "redact", "rotation", "writer"`

// Each is a configuration with one mistake, or more, and all that is said of it.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"unknown rotation", "logging.yaml", "# the log\nsinks:\n\n  - file: app.log\n    enqueue: true\n\n    rotation: \"dayly\"\n",
			`logging.yaml:7:15: rotation: "dayly": not a size ("10 MB"), minutely, hourly, daily, weekly, monthly, yearly, ` +
				`an interval ("6 hours"), a time of day ("23:30") or a weekday ("monday", "monday at 23:30")`},
		{"unknown rotation in JSON", "logging.json", "{\n\t\"sinks\": [{\n\t\t\"file\": \"a\",\n\t\t\"rotation\": \"10 MB or 25:00\"}]}",
			`logging.json:4:15: rotation: "10 MB or 25:00": part "25:00": time "25:00" is not HH:MM from 00:00 to 23:59`},
		{"unknown compression", "f.yaml", "sinks:\n- file: a\n  compression: zip\n", `f.yaml:3:16: compression: "zip": must be "gzip" or empty`},
		{"format in capitals", "f.yaml", "sinks:\n- format: JSON\n", `f.yaml:2:11: format: "JSON": must be "json", "text", "console" or empty`},
		{"unknown level", "f.yaml", "sinks:\n- level: loud\n",
			`f.yaml:2:10: level: "loud": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"`},
		{"level as a number", "f.json", `{"sinks": [{"level": 4}]}`,
			`f.json:1:22: level: "4": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"`},
		{"unknown drop level", "f.yaml", "sinks:\n- enqueue: true\n  drop_below: INFO+x\n",
			`f.yaml:3:15: drop_below: "INFO+x": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"`},
		{"unknown writer", "f.yaml", "sinks: [writer: console]\n", `f.yaml:1:17: writer: "console": must be "stdout" or "stderr"`},
		{"no path", "f.yaml", "sinks:\n- file: \"\"\n", `f.yaml:2:9: file: "": must be a path`},
		{"yes", "f.yaml", "sinks:\n- enqueue: yes\n", `f.yaml:2:12: enqueue: "yes": must be true or false`},
		{"True", "f.yaml", "sinks:\n- add_source: True\n", `f.yaml:2:15: add_source: "True": must be true or false`},
		{"size without a number", "f.yaml", "sinks:\n- queue_size: big\n",
			`f.yaml:2:15: queue_size: "big": must be a number of bytes or a size such as "64 KiB" or "10 MB"`},
		{"size below zero", "f.yaml", "sinks:\n- queue_size: -1\n",
			`f.yaml:2:15: queue_size: "-1": must be a number of bytes or a size such as "64 KiB" or "10 MB"`},
		{"size with a comma", "f.yaml", "sinks:\n- file: a\n  max_total_size: 1,5 MB\n",
			`f.yaml:3:19: max_total_size: "1,5 MB": must be a number of bytes or a size such as "64 KiB" or "10 MB"`},
		{"size beyond an int64", "f.json", "{\"sinks\": [\n  {\"file\": \"a\", \"max_total_size\": \"8 EiB\"}]}",
			`f.json:2:35: max_total_size: "8 EiB": must be a number of bytes or a size such as "64 KiB" or "10 MB"`},
		{"count below zero", "f.yaml", "sinks:\n- file: a\n  max_backups: -7\n", `f.yaml:3:16: max_backups: "-7": must be a whole number, 0 or more`},
		{"count with a fraction", "f.json", `{"sinks": [{"file": "a", "max_backups": 7.5}]}`,
			`f.json:1:41: max_backups: "7.5": must be a whole number, 0 or more`},
		{"age without a unit", "f.yaml", "sinks:\n- file: a\n  max_age: 30\n",
			`f.yaml:3:12: max_age: "30": must be a number of days such as "30 days" or a duration such as "720h"`},
		{"age in weeks", "f.yaml", "sinks:\n- file: a\n  max_age: 2 weeks\n",
			`f.yaml:3:12: max_age: "2 weeks": must be a number of days such as "30 days" or a duration such as "720h"`},
		{"age below zero", "f.yaml", "sinks:\n- file: a\n  max_age: -1h\n",
			`f.yaml:3:12: max_age: "-1h": must be a number of days such as "30 days" or a duration such as "720h"`},
		{"age beyond a Duration", "f.yaml", "sinks:\n- file: a\n  max_age: 106752 days\n",
			`f.yaml:3:12: max_age: "106752 days": must be a number of days such as "30 days" or a duration such as "720h"`},
		{"mode without its 0", "f.json", `{"sinks": [{"file": "a", "file_mode": 640}]}`,
			`f.json:1:39: file_mode: "640": must be permission bits in octal with a leading 0, such as "0640"`},
		{"mode with a sticky bit", "f.yaml", "sinks:\n- file: a\n  file_mode: 01777\n",
			`f.yaml:3:14: file_mode: "01777": must be permission bits in octal with a leading 0, such as "0640"`},
		{"mode that is not octal", "f.yaml", "sinks:\n- file: a\n  file_mode: 0x1a\n",
			`f.yaml:3:14: file_mode: "0x1a": must be permission bits in octal with a leading 0, such as "0640"`},
		{"one word to redact", "f.yaml", "sinks:\n- redact: password\n", `f.yaml:2:11: redact: must be a list`},
		{"list in what to redact", "f.yaml", "sinks:\n- redact:\n  - a\n  - [b]\n", `f.yaml:4:5: redact: must be a single value`},

		{"slip in a key", "f.yaml", "sinks:\n- file: a\n  rotatoin: daily\n", `f.yaml:3:3: "rotatoin": unknown key; must be "rotation"`},
		{"key in Go's spelling", "f.json", "{\"sinks\": [{\n  \"File\": \"a\",\n  \"MaxBackups\": 3}]}",
			"f.json:2:3: \"File\": unknown key; must be \"file\"\nf.json:3:3: \"MaxBackups\": unknown key; must be \"max_backups\""},
		{"between two keys", "f.yaml", "sinks:\n- max_size: 1 MB\n", `f.yaml:2:3: "max_size": unknown key; must be "max_age"`},
		{"key like none", "f.yaml", "sinks:\n- retention: 7\n  xyz: 1\n", "f.yaml:2:3: \"retention\": unknown key; must be \"rotation\"\n" +
			`f.yaml:3:3: "xyz": unknown key; must be ` + allKeys},
		{"merge key", "f.yaml", "sinks:\n- &a {file: a}\n- {<<: *a, level: INFO}\n", `f.yaml:3:4: "<<": unknown key; must be ` + allKeys},
		{"unknown key at the top", "f.yaml", "version: 1\nsinks: [{}]\n", `f.yaml:1:1: "version": unknown key; must be "sinks"`},
		{"key given twice", "f.yaml", "sinks:\n- file: a\n  level: INFO\n  file: b\n", `f.yaml:4:3: "file": is there already, in line 2`},
		{"key given twice in JSON", "f.json", `{"sinks": [{"level": "INFO", "level": "WARN"}]}`, `f.json:1:30: "level": is there already, in line 1`},
		{"list as a key", "f.yaml", "sinks:\n- ? [a]\n  : b\n", `f.yaml:2:5: a key must be a word`},
		{"key without a value", "f.yaml", "sinks:\n- file:\n  level: INFO\n", `f.yaml:2:8: file: has no value; leave the key out for the default`},
		{"null", "f.json", `{"sinks": [{"rotation": null}]}`, `f.json:1:25: rotation: has no value; leave the key out for the default`},
		{"mapping as a value", "f.yaml", "sinks:\n- rotation: {size: 1 MB}\n", `f.yaml:2:13: rotation: must be a single value`},
		{"tag", "f.yaml", "sinks:\n- file: !env LOG\n", `f.yaml:2:9: file: has the tag !env; must have none`},
		{"sinks are no list", "f.yaml", "sinks:\n  file: a\n", `f.yaml:2:3: sinks: must be a list of one or more sinks`},
		{"no sinks", "f.json", `{"sinks": []}`, `f.json:1:11: sinks: must be a list of one or more sinks`},
		{"sinks without a value", "f.yaml", "sinks:\n", `f.yaml:1:7: sinks: must be a list of one or more sinks`},
		{"sink that is a word", "f.yaml", "sinks:\n- app.log\n", `f.yaml:2:3: a sink must be keys with their values`},
		{"empty sink", "f.yaml", "sinks:\n- file: a\n-\n", `f.yaml:3:2: a sink must be keys with their values`},
		{"list at the top", "f.yaml", "\n- file: a\n", `f.yaml:2:1: the file must be keys with their values`},
		{"empty mapping", "f.json", ` {}`, `f.json:1:2: has no sinks; must have a list of them`},

		{"empty file", "f.yaml", "", `f.yaml:1:1: is empty; must have sinks`},
		{"only a comment", "f.yaml", "# nothing yet\n", `f.yaml:1:1: is empty; must have sinks`},
		{"empty JSON", "f.json", "", `f.json:1:1: unexpected end of JSON input`},
		{"two documents", "f.yaml", "sinks: [{}]\n---\nsinks: [{}]\n", `f.yaml:2:1: a second document begins; must be one`},
		{"tab", "f.yaml", "sinks:\n\t- file: a\n", `f.yaml:2:1: found character that cannot start any token`},
		{"colon in a plain value", "f.yaml", "sinks:\n- file: C: log\n", `f.yaml:2:10: mapping values are not allowed in this context`},
		{"open bracket", "f.yaml", "sinks: [\n  {file: a}\n",
			`f.yaml:3:1: did not find expected ',' or ']' while parsing a flow sequence from line 1 on`},
		{"open quote", "f.yaml", "sinks:\n- file: 'a\n", `f.yaml:3:1: found unexpected end of stream while scanning a quoted scalar from line 2 on`},
		{"unknown alias", "f.yaml", "sinks:\n- file: *f\n", `f.yaml:2:9: unknown anchor 'f' referenced`},
		{"comma too many in JSON", "f.json", "{\"sinks\": [\n  {\"file\": \"é\",}\n]}", `f.json:2:16: invalid character '}' looking for beginning of object key string`},
		{"comment in JSON", "f.json", "# no\n{}", `f.json:1:1: invalid character '#' looking for beginning of value`},
		{"JSON that ends early", "f.json", "{\"sinks\": [\n  {}\n", `f.json:2:5: unexpected end of JSON input`},
		{"Latin-1", "f.yaml", "sinks:\n- file: \xe9.log\n", `f.yaml:2:9: byte 0xe9: must be UTF-8`},
		{"control character", "f.yaml", "sinks:\n- file: é\x1b\n", `f.yaml:2:10: character U+001B: must be written as an escape in double quotes`},
		{"column after wide characters", "f.yaml", "sinks: [{file: 日本, level: loud}]",
			`f.yaml:1:27: level: "loud": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"`},
		{"alias to a mistake", "f.yaml", "sinks:\n- file: a\n  max_age: &age 3\n- file: b\n  max_age: *age\n",
			`f.yaml:3:12: max_age: "3": must be a number of days such as "30 days" or a duration such as "720h"` + "\n" +
				`f.yaml:3:12: max_age: "3": must be a number of days such as "30 days" or a duration such as "720h"`},

		{"reference to nothing", "f.yaml", "sinks:\n- file: ${DIR}/app.log\n", `f.yaml:2:9: file: "${DIR}/app.log": DIR is not set`},
		{"reference without an end", "f.yaml", "sinks:\n- file: \"${DIR/app.log\"\n", `f.yaml:2:9: file: "${DIR/app.log": must be ${NAME} or ${NAME:-DEFAULT}`},
		{"reference without a name", "f.yaml", "sinks:\n- file: \"${}/app.log\"\n", `f.yaml:2:9: file: "${}/app.log": must be ${NAME} or ${NAME:-DEFAULT}`},
		{"reference to a bad default", "f.yaml", "sinks:\n- enqueue: ${ASYNC:-yes}\n", `f.yaml:2:12: enqueue: "yes": must be true or false`},

		{"two destinations", "f.yaml", "sinks:\n  - writer: stdout\n  - file: a\n    writer: stderr\n",
			`f.yaml:3:5: logly: sink 2: File and Writer are set; at most one of File, Writer and Handler may be`},
		{"Durable without a queue", "f.json", "{\"sinks\": [{},\n  {\"file\": \"a\", \"durable\": true}]}", `f.json:2:3: logly: sink 2: Durable: true: needs Enqueue: true`},
		{"dropping without a queue", "f.yaml", "sinks:\n- drop_below: INFO\n", `f.yaml:2:3: logly: sink 1: DropBelow: INFO: needs Enqueue: true`},
		{"rotation of a writer", "f.yaml", "sinks:\n- writer: stdout\n  rotation: daily\n", `f.yaml:2:3: logly: sink 1: Rotation: "daily": only with File`},
		{"one file twice", "f.yaml", "sinks:\n- file: a\n- file: b\n- file: ./c/../a\n",
			`f.yaml:4:3: logly: sink 3: File: "./c/../a": another sink of this handler has it; must differ`},
		{"sink that is an alias", "f.yaml", "sinks:\n- &s {file: a, durable: true, enqueue: true}\n- *s\n",
			`f.yaml:3:3: logly: sink 2: File: "a": another sink of this handler has it; must differ`},

		{"many at once", "f.yaml", "sinks:\n- file: a\n  level: x\n  levle: INFO\n- durable: 1\n  redact: {}\n",
			`f.yaml:3:10: level: "x": must be "DEBUG", "INFO", "WARN" or "ERROR", with an offset if need be, as in "INFO+2"` + "\n" +
				`f.yaml:4:3: "levle": unknown key; must be "level"` + "\n" +
				`f.yaml:5:12: durable: "1": must be true or false` + "\n" +
				`f.yaml:6:11: redact: must be a list`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := Parse(c.file, []byte(c.text), environment())
			require.Error(t, err)
			assert.Nil(t, config)
			assert.Equal(t, strings.Split(c.want, "\n"), strings.Split(err.Error(), "\n"))
		})
	}
}
