// Package wiretest lists values of every JSON type, and what a reader of DingTalk's data has to
// make of each.
package wiretest

import "math"

// Value is one JSON value and what it means where a boolean, a whole number, a time, a text or an
// id is expected. Where a type is not understood the field is nil.
type Value struct {
	Raw  string
	Bool *bool
	Int  *int64
	Time *int64 // Unix milliseconds
	Text *string
	// Anonymous says that the value is a text, but identifies nobody.
	Anonymous bool
}

// number is a value that every type but a text reads by its number. A time is given as the
// milliseconds it stands for.
func number(raw, text string, n, time int64) Value {
	return Value{Raw: raw, Bool: new(n != 0), Int: new(n), Time: new(time), Text: new(text)}
}

// begun is a text that begins with a number.
func begun(raw, text string, n, time int64) Value {
	return Value{Raw: raw, Int: new(n), Time: new(time), Text: new(text)}
}

// word is a value that only is a text.
func word(raw, text string) Value { return Value{Raw: raw, Text: new(text)} }

// none is a value that stands for nothing.
func none(raw, text string) Value {
	return Value{Raw: raw, Bool: new(false), Int: new(int64(0)), Time: new(int64(0)), Text: new(text)}
}

const (
	ms = 1_663_143_335_567
	s  = 1_663_143_335
)

// Values are those values.
func Values() []Value {
	half := number(`0.5`, "0.5", 0, 500)
	half.Bool = new(true)
	truth := Value{Raw: `true`, Bool: new(true), Int: new(int64(1)), Time: new(int64(0)), Text: new("true"), Anonymous: true}
	said := func(raw, text string, value bool) Value { return Value{Raw: raw, Bool: new(value), Text: new(text)} }
	return []Value{
		none(`null`, ""), none(`false`, ""), none(`""`, ""), none(`" "`, " "), none(`"\t\n"`, "\t\n"), truth,
		number(`0`, "0", 0, 0), number(`-0`, "-0", 0, 0), number(`1`, "1", 1, 1000), number(`3`, "3", 3, 3000),
		number(`-1`, "-1", -1, 0), number(`-1663143335567`, "-1663143335567", -ms, 0),
		number(`1663143335567`, "1663143335567", ms, ms), number(`1663143335`, "1663143335", s, s*1000),
		number(`99999999999`, "99999999999", 99_999_999_999, 99_999_999_999_000),
		number(`100000000000`, "100000000000", 100_000_000_000, 100_000_000_000),
		number(`253402300799999`, "253402300799999", 253402300799999, 253402300799999),
		number(`253402300800000`, "253402300800000", 253402300800000, 0),
		number(`9223372036854775807`, "9223372036854775807", math.MaxInt64, 0),
		number(`99999999999999999999`, "99999999999999999999", math.MaxInt64, 0),
		number(`-99999999999999999999`, "-99999999999999999999", math.MinInt64, 0),
		number(`1e999`, "1e999", math.MaxInt64, 0), number(`-1e999`, "-1e999", math.MinInt64, 0),
		number(`0.0`, "0.0", 0, 0), number(`3.0`, "3.0", 3, 3000), number(`3.7`, "3.7", 3, 3700), half,
		number(`-3.7`, "-3.7", -3, 0), number(`3e0`, "3e0", 3, 3000), number(`0.3E+1`, "0.3E+1", 3, 3000),
		number(`1663143335.567`, "1663143335.567", s, ms), number(`1.663143335567e12`, "1.663143335567e12", ms, ms),
		number(`1663143335567.9`, "1663143335567.9", ms, ms),
		number(`"3"`, "3", 3, 3000), number(`" 3 "`, " 3 ", 3, 3000), number(`"03"`, "03", 3, 3000), number(`"+3"`, "+3", 3, 3000),
		number(`"-3"`, "-3", -3, 0), number(`"3.7"`, "3.7", 3, 3700), number(`"3e0"`, "3e0", 3, 3000),
		number(`"0"`, "0", 0, 0), number(`"1"`, "1", 1, 1000), number(`"0.0"`, "0.0", 0, 0),
		number(`"1663143335567"`, "1663143335567", ms, ms), number(`"1663143335"`, "1663143335", s, s*1000),
		number(`"1663143335.567"`, "1663143335.567", s, ms), number(`"\u0033"`, "3", 3, 3000),
		said(`"true"`, "true", true), said(`"True"`, "True", true), said(`"TRUE"`, "TRUE", true), said(`" true "`, " true ", true),
		said(`"yes"`, "yes", true), said(`"Yes"`, "Yes", true), said(`"no"`, "no", false), said(`"NO"`, "NO", false),
		said(`"false"`, "false", false), said(`"False"`, "False", false), said(`"FALSE"`, "FALSE", false), said(`"null"`, "null", false),
		word(`"soon"`, "soon"), begun(`"3x"`, "3x", 3, 3000), begun(`"0x3"`, "0x3", 0, 0), begun(`"1_000"`, "1_000", 1, 1000),
		begun(`"-5 min"`, "-5 min", -5, 0), begun(`"1663143335567ms"`, "1663143335567ms", ms, ms),
		begun(`"99999999999999999999x"`, "99999999999999999999x", math.MaxInt64, 0), word(`"Inf"`, "Inf"), word(`"NaN"`, "NaN"),
		word(`"-"`, "-"), begun(`"1e"`, "1e", 1, 1000), begun(`"1.2.3"`, "1.2.3", 1, 1000),
		begun(`"2022-09-14T08:15:35Z"`, "2022-09-14T08:15:35Z", 2022, s*1000),
		begun(`"2022-09-14T16:15:35.567+08:00"`, "2022-09-14T16:15:35.567+08:00", 2022, ms),
		begun(`"1969-09-14T08:15:35Z"`, "1969-09-14T08:15:35Z", 1969, 0),
		word(`"会议"`, "会议"),
		{Raw: `[]`},
		{Raw: `[3]`},
		{Raw: `["3"]`},
		{Raw: `[[]]`},
		{Raw: `{}`},
		{Raw: `{"a":3}`},
		{Raw: `{"a":{"b":[null]}}`},
	}
}
