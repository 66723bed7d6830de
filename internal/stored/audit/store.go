// Package audit keeps the log of meetings: which of them have ended and are sealed, in the order of
// the stream, as leaves of the tree of package evidence. Tiles and the newest checkpoint are
// messages of the stream [events.AuditStream].
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
)

const (
	tileSubject       = "rollcall.audit.tile." // and its index
	checkpointSubject = "rollcall.audit.checkpoint"

	// Headers of a tile: the position of the event that is its last leaf.
	hdrStream   = "Rollcall-Stream"
	hdrSequence = "Rollcall-Sequence"
	hdrStored   = "Rollcall-Stored"

	// timeout bounds one exchange with the server.
	timeout = 5 * time.Second
	// attempts bounds the rounds of looking and creating when several replicas start at the same
	// moment.
	attempts = 5
)

// ErrOther says that another replica was first.
var ErrOther = errors.New("another replica has added to the log")

// streamConfig is the configuration of the stream. Each subject has one message: a tile that grows
// replaces what it was. There is no MaxAge, as tiles are kept for ever.
func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: events.AuditStream, Description: "Rollcall: the log of meetings", Subjects: []string{events.AuditSubjects},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, MaxMsgsPerSubject: 1, Replicas: replicas, AllowDirect: true,
	}
}

// store reads and writes the stream.
type store struct{ js jetstream.JetStream }

// open makes the stream where there is none, and gives it the copies that are wanted.
func (s store) open(ctx context.Context, replicas int) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for range attempts {
		st, err := s.js.Stream(ctx, events.AuditStream)
		if err == nil {
			return s.adopt(ctx, st.CachedInfo().Config, replicas)
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = s.js.CreateStream(ctx, streamConfig(replicas))
		}
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return wrapped("open", err)
		}
	}
	return fmt.Errorf("stream %s is neither there nor can it be created", events.AuditStream)
}

// adopt refuses what would lose tiles, and adds copies.
func (s store) adopt(ctx context.Context, have jetstream.StreamConfig, replicas int) error {
	if have.MaxAge != 0 || have.Mirror != nil || len(have.Sources) > 0 || len(have.Subjects) != 1 || have.Subjects[0] != events.AuditSubjects {
		return fmt.Errorf("stream %s is not as Rollcall makes it: subjects %v, max_age %s", events.AuditStream, have.Subjects, have.MaxAge)
	}
	if have.Replicas >= replicas {
		return nil
	}
	have.Replicas = replicas
	_, err := s.js.UpdateStream(ctx, have)
	return wrapped("update", err)
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s stream %s: %w", what, events.AuditStream, err)
}

// tile is a tile as it is stored.
type tile struct {
	index    int64
	leaves   []evidence.Hash
	at       diff.Position // of the event that is its last leaf
	revision uint64
}

// message is what the leader of the stream answers.
type message struct {
	Subject string `json:"subject"`
	Seq     uint64 `json:"seq"`
	Headers []byte `json:"hdrs"`
	Data    []byte `json:"data"`
}

// last asks the leader for the last message on subjects; nil when there is none.
func (s store) last(ctx context.Context, subject string) (*message, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	reply, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+events.AuditStream, request)
	if err != nil {
		return nil, wrapped("read", err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *message            `json:"message"`
	}
	switch err := json.Unmarshal(reply.Data, &answer); {
	case err != nil:
		return nil, wrapped("read", err)
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, nil
	case answer.Error != nil:
		return nil, wrapped("read", answer.Error)
	}
	return answer.Message, nil
}

// tile reads a tile; nil when there is none.
func (s store) tile(ctx context.Context, index int64) (*tile, error) {
	msg, err := s.last(ctx, tileSubject+strconv.FormatInt(index, 10))
	if err != nil || msg == nil {
		return nil, err
	}
	return parseTile(msg)
}

// newest reads the tile that was stored last; nil when there is none.
func (s store) newest(ctx context.Context) (*tile, error) {
	msg, err := s.last(ctx, tileSubject+"*")
	if err != nil || msg == nil {
		return nil, err
	}
	return parseTile(msg)
}

// parseTile reads a tile as putTile has stored it.
func parseTile(msg *message) (*tile, error) {
	t := tile{revision: msg.Seq, leaves: evidence.SplitTile(msg.Data)}
	header, err := nats.DecodeHeadersMsg(msg.Headers)
	if err != nil {
		return nil, fmt.Errorf("%w: headers of message %d: %w", ErrDamaged, msg.Seq, err)
	}
	if t.index, err = strconv.ParseInt(strings.TrimPrefix(msg.Subject, tileSubject), 10, 64); err == nil {
		t.at.Sequence, err = strconv.ParseUint(header.Get(hdrSequence), 10, 64)
	}
	if err == nil {
		t.at.Stream, err = time.Parse(time.RFC3339Nano, header.Get(hdrStream))
	}
	if err == nil {
		t.at.Stored, err = time.Parse(time.RFC3339Nano, header.Get(hdrStored))
	}
	if err != nil || len(t.leaves) == 0 || len(t.leaves) > evidence.TileSize || len(msg.Data) != len(t.leaves)*len(evidence.Hash{}) {
		return nil, fmt.Errorf("%w: message %d is no tile", ErrDamaged, msg.Seq)
	}
	return &t, nil
}

// putTile stores a tile in place of what it was when it had the revision; 0 for a new one. It
// returns the new revision, and [ErrOther] when somebody else was first.
func (s store) putTile(ctx context.Context, t tile) (uint64, error) {
	msg := nats.NewMsg(tileSubject + strconv.FormatInt(t.index, 10))
	for _, leaf := range t.leaves {
		msg.Data = append(msg.Data, leaf[:]...)
	}
	msg.Header.Set(hdrStream, t.at.Stream.UTC().Format(time.RFC3339Nano))
	msg.Header.Set(hdrSequence, strconv.FormatUint(t.at.Sequence, 10))
	msg.Header.Set(hdrStored, t.at.Stored.UTC().Format(time.RFC3339Nano))
	return s.put(ctx, msg, t.revision)
}

func (s store) put(ctx context.Context, msg *nats.Msg, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(revision), jetstream.WithExpectStream(events.AuditStream))
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch refused.ErrorCode { // a clustered server says it in two ways
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return 0, ErrOther
		}
	}
	if err != nil {
		return 0, wrapped("write", err)
	}
	return ack.Sequence, nil
}

// checkpoint reads the newest signed checkpoint; nil when there is none.
func (s store) checkpoint(ctx context.Context) (signed []byte, revision uint64, err error) {
	msg, err := s.last(ctx, checkpointSubject)
	if err != nil || msg == nil {
		return nil, 0, err
	}
	return msg.Data, msg.Seq, nil
}

func (s store) putCheckpoint(ctx context.Context, signed []byte, revision uint64) (uint64, error) {
	msg := nats.NewMsg(checkpointSubject)
	msg.Data = signed
	return s.put(ctx, msg, revision)
}
