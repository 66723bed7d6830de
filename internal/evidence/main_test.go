package evidence_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const corp = "dingabc"

// begin is when everything happens.
var begin = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// key is a key of a service, the same for the same number.
func key(tb testing.TB, n byte) nkeys.KeyPair {
	tb.Helper()
	pair, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, bytes.Repeat([]byte{n}, 32))
	require.NoError(tb, err)
	return pair
}

func public(tb testing.TB, pair nkeys.KeyPair) string {
	tb.Helper()
	name, err := pair.PublicKey()
	require.NoError(tb, err)
	return name
}

// told is a meeting as it is stored.
type told struct {
	tb       testing.TB
	id       string
	key      nkeys.KeyPair // nil where nothing is sealed
	payloads [][]byte
	chain    events.Chain
	member   uint64
}

func tell(tb testing.TB, id string, pair nkeys.KeyPair) *told {
	return &told{tb: tb, id: id, key: pair}
}

// store stores an event as the service does, sealed if it may be.
func (m *told) store(e events.Event, seal **events.Seal) *told {
	m.tb.Helper()
	e.ID, e.Source, e.Time, e.RecordedTime = fmt.Sprintf("id-%s-%d", m.id, len(m.payloads)), events.Source(corp, m.id), begin, begin
	e.Previous, e.Salt = m.chain.Last.String(), strings.Repeat("s", 22)
	if seal != nil && m.key != nil {
		*seal = &events.Seal{Events: m.chain.Events, Hash: e.Previous, Key: public(m.tb, m.key)}
		unsigned, err := events.Encode(e)
		require.NoError(m.tb, err)
		signature, err := m.key.Sign(events.SealText(e.Source, *seal, events.HashOf(unsigned)))
		require.NoError(m.tb, err)
		(*seal).Signature = events.FormatSignature(signature)
	}
	payload, err := events.Encode(e)
	require.NoError(m.tb, err)
	return m.add(payload)
}

func (m *told) add(payload []byte) *told {
	m.payloads, m.chain = append(m.payloads, payload), m.chain.Add(payload)
	return m
}

// start is the first or, of a meeting that is watched again, a sealed one.
func (m *told) start() *told {
	data := &events.Meeting{ConferenceID: m.id, Title: "Weekly", Reason: "watched"}
	e := events.Event{Type: events.MeetingStarted, Meeting: data}
	if m.chain.Begun() {
		return m.store(e, &data.Seal)
	}
	return m.store(e, nil)
}

// restart is the first after all was lost.
func (m *told) restart() *told {
	m.chain = events.Chain{}
	data := &events.Meeting{ConferenceID: m.id, Title: "Weekly", Reason: "watched", Restarted: true}
	return m.store(events.Event{Type: events.MeetingStarted, Meeting: data}, nil)
}

// people is somebody who joins and leaves, several times.
func (m *told) people(times int) *told {
	for i := range times {
		for _, t := range []events.Type{events.Joined, events.Left} {
			m.member++
			data := &events.Member{ConferenceID: m.id, UnionID: "u1", UserNick: `Ann "Q" 李`, Reason: events.ReasonJoined, Via: events.ViaPoll, Visit: i + 1}
			m.store(events.Event{Type: t, Subject: "u1", Sequence: m.member, Member: data}, nil)
		}
	}
	return m
}

func (m *told) gap() *told {
	data := &events.Gap{ConferenceID: m.id, From: 1, Reason: "throttled"}
	return m.store(events.Event{Type: events.MeetingGap, Gap: data}, &data.Seal)
}

func (m *told) end() *told {
	data := &events.Meeting{ConferenceID: m.id, Title: "Weekly", Reason: "ended", People: 1, Peak: 1}
	return m.store(events.Event{Type: events.MeetingEnded, Meeting: data}, &data.Seal)
}

// unchain makes events that are not chained of all there are, and begins the chain behind them.
func (m *told) unchain() *told {
	m.chain = events.Chain{}
	for i, payload := range m.payloads {
		e, err := events.Decode(payload)
		require.NoError(m.tb, err)
		e.Previous, e.Salt = "", ""
		m.payloads[i], err = events.Encode(e)
		require.NoError(m.tb, err)
	}
	return m
}

// made is what a test makes of meetings.
type made struct {
	tb       testing.TB
	key      nkeys.KeyPair
	leaves   []evidence.Hash
	meetings []*told
	signed   time.Time
}

// log puts the closing events of the meetings into a log, one meeting after the other.
func log(tb testing.TB, pair nkeys.KeyPair, meetings ...*told) *made {
	l := &made{tb: tb, key: pair, meetings: meetings, signed: begin}
	for _, m := range meetings {
		for _, payload := range m.payloads {
			if bytes.Contains(payload, []byte(`"type":"conference.meeting.ended"`)) || bytes.Contains(payload, []byte(`"type":"conference.person.erased"`)) {
				l.leaves = append(l.leaves, evidence.LeafHash(events.HashOf(payload)))
			}
		}
	}
	return l
}

// pad adds leaves of other meetings.
func (l *made) pad(n int) *made {
	for i := range n {
		l.leaves = append(l.leaves, evidence.LeafHash(events.HashOf(fmt.Append(nil, i))))
	}
	return l
}

// checkpoint is the signed note of the log when it had so many leaves.
func (l *made) checkpoint(size int) []byte {
	l.tb.Helper()
	var tree evidence.Tree
	for _, leaf := range l.leaves[:size] {
		tree.Add(leaf)
	}
	signed, err := evidence.Checkpoint{Origin: evidence.Origin(corp), Size: int64(size), Root: tree.Root(), Signed: l.signed}.Sign(l.key)
	require.NoError(l.tb, err)
	return signed
}

// file is the evidence of some of the meetings, with a log of so many leaves.
func (l *made) file(size int, meetings ...*told) []byte {
	l.tb.Helper()
	var out bytes.Buffer
	header := evidence.Header{Origin: evidence.Origin(corp), Size: int64(size)}
	for _, m := range meetings {
		header.Meetings = append(header.Meetings, evidence.HeaderMeeting{ConferenceID: m.id, Events: len(m.payloads)})
	}
	w, err := evidence.NewWriter(&out, header, evidence.NewLeaves(l.leaves[:size]))
	require.NoError(l.tb, err)
	for _, m := range meetings {
		var erased [][]byte
		for _, payload := range m.payloads {
			if bytes.Contains(payload, []byte(`"type":"conference.person.erased"`)) {
				erased = append(erased, payload)
			}
		}
		w.Meeting(erased...)
		for _, payload := range m.payloads {
			require.NoError(l.tb, w.Event(payload))
		}
	}
	var signed []byte
	if size > 0 {
		signed = l.checkpoint(size)
	}
	require.NoError(l.tb, w.Close(signed))
	return out.Bytes()
}

// all is the evidence of everything.
func (l *made) all() []byte { return l.file(len(l.leaves), l.meetings...) }

// check checks one file by the log's key.
func (l *made) check(file []byte, opts evidence.Options) (evidence.Result, error) {
	l.tb.Helper()
	if opts.Keys == nil {
		opts.Keys = []string{public(l.tb, l.key)}
	}
	return evidence.Check([]evidence.File{{Name: "file", Reader: bytes.NewReader(file)}}, opts)
}
