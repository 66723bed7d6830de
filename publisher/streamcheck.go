package publisher

import (
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// refusals names every field of an existing stream that breaks a promise and that cannot be changed
// without harm: data would be lost or be found under another name, or a stream of another program
// be taken over.
func refusals(have jetstream.StreamConfig) []string {
	want := streamConfig(have.Replicas)
	var bad []string
	differs := func(field string, differs bool, have, want any) {
		if differs {
			bad = append(bad, fmt.Sprintf("%s is %v, not %v", field, have, want))
		}
	}
	differs("subjects", !slices.Equal(have.Subjects, want.Subjects), have.Subjects, want.Subjects)
	differs("subject_transform", have.SubjectTransform == nil || *have.SubjectTransform != *want.SubjectTransform,
		show(have.SubjectTransform), show(want.SubjectTransform))
	differs("republish", have.RePublish != nil && *have.RePublish != *want.RePublish,
		show(have.RePublish), show(want.RePublish))
	differs("storage", have.Storage != want.Storage, have.Storage, want.Storage)
	differs("retention", have.Retention != want.Retention, have.Retention, want.Retention)
	differs("max_age", have.MaxAge != 0, have.MaxAge, "0")
	differs("max_msgs_per_subject", have.MaxMsgsPerSubject > 0, have.MaxMsgsPerSubject, "unlimited")
	differs("max_msg_size", have.MaxMsgSize > 0 && have.MaxMsgSize != formatGuard, have.MaxMsgSize, "unlimited")
	differs("subject_delete_marker_ttl", have.SubjectDeleteMarkerTTL != 0, have.SubjectDeleteMarkerTTL, "0")
	differs("persist_mode", have.PersistMode != want.PersistMode, have.PersistMode, want.PersistMode)
	differs("mirror", have.Mirror != nil, "set", "empty")
	differs("sources", len(have.Sources) > 0, "set", "empty")
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"sealed", have.Sealed},
		{"no_ack", have.NoAck},
		{"deny_purge", have.DenyPurge},
		{"allow_msg_counter", have.AllowMsgCounter},
	} {
		differs(f.name, f.set, true, false)
	}
	if _, err := formatOf(have); err != nil {
		bad = append(bad, err.Error())
	}
	return bad
}

// takesOurs tells whether the stream takes what Rollcall publishes, and nothing else. Otherwise it
// belongs to another program by now.
func takesOurs(have jetstream.StreamConfig) bool {
	want := streamConfig(have.Replicas)
	return slices.Equal(have.Subjects, want.Subjects) &&
		have.SubjectTransform != nil && *have.SubjectTransform == *want.SubjectTransform &&
		have.Mirror == nil && len(have.Sources) == 0
}

// improved returns have with what can be changed without harm as it is wanted, and says what that
// is. What breaks no promise stays as the operator wants it: placement, compression, limits on
// bytes, messages and consumers (a full stream refuses a commit and loses nothing), and more
// replicas than asked for.
func improved(have jetstream.StreamConfig, replicas int) (jetstream.StreamConfig, []string) {
	want := streamConfig(replicas)
	next := have
	var changes []string
	change := func(field string, differs bool, from, to any, set func()) {
		if differs {
			set()
			changes = append(changes, fmt.Sprintf("%s from %v to %v", field, from, to))
		}
	}
	change("num_replicas", have.Replicas < replicas, have.Replicas, replicas, func() { next.Replicas = replicas })
	change("duplicate_window", have.Duplicates != want.Duplicates, have.Duplicates, want.Duplicates,
		func() { next.Duplicates = want.Duplicates })
	change("discard", have.Discard != want.Discard, have.Discard, want.Discard, func() { next.Discard = want.Discard })
	change("republish", have.RePublish == nil, "none", show(want.RePublish), func() { next.RePublish = want.RePublish })
	for _, f := range []struct {
		name string
		flag *bool
	}{
		{"allow_atomic", &next.AllowAtomicPublish},
		{"allow_rollup_hdrs", &next.AllowRollup},
		{"allow_direct", &next.AllowDirect},
		{"allow_msg_ttl", &next.AllowMsgTTL},
	} {
		change(f.name, !*f.flag, false, true, func() { *f.flag = true })
	}
	if format, err := formatOf(have); err == nil {
		marks := inFormat(have, format)
		change(formatKey, have.Metadata[formatKey] != marks.Metadata[formatKey], have.Metadata[formatKey], format,
			func() { next.Metadata = marks.Metadata })
		change("max_msg_size", have.MaxMsgSize <= 0 && have.MaxMsgSize != marks.MaxMsgSize, have.MaxMsgSize, marks.MaxMsgSize,
			func() { next.MaxMsgSize = marks.MaxMsgSize })
	}
	return next, changes
}

// show prints what a pointer points to.
func show[T any](v *T) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%+v", *v)
}
