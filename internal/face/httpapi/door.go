package httpapi

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Room is what there is room for: connections, however many listeners they come by. When it is
// full, the connection that has been without a request for longest is closed for the new one.
type Room struct {
	limits   Limits
	refusals *Refusals

	mu   sync.Mutex
	open map[*conn]struct{}
	by   map[netip.Addr]int
}

// NewRoom returns room for as many connections as the limits say. What is refused is counted.
func NewRoom(limits Limits, refusals *Refusals) *Room {
	return &Room{limits: limits.withDefaults(), refusals: refusals, open: map[*conn]struct{}{}, by: map[netip.Addr]int{}}
}

// door is a listener that accepts no more connections than there is room for.
type door struct {
	net.Listener
	*Room
}

// conn is a connection that counts towards the limits.
type conn struct {
	net.Conn
	room    *Room
	address netip.Addr
	// idle is since when it is without a request; the zero time while there is one. The room's
	// mutex guards it.
	idle time.Time
}

// Accept returns the next connection that there is room for. The others are closed.
func (d *door) Accept() (net.Conn, error) {
	for {
		accepted, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: accepted, room: d.Room, address: addressOf(accepted), idle: time.Now()}
		if d.admit(c) {
			return c, nil
		}
		d.refusals.Connections.Add(1)
		_ = accepted.Close()
	}
}

func addressOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

func (m *Room) admit(c *conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	crowded := !c.address.IsLoopback() && m.by[c.address] >= m.limits.PerAddress
	if crowded || len(m.open) >= m.limits.Connections {
		leaver := m.longestIdle(c.address, crowded)
		if leaver == nil {
			return false
		}
		m.forget(leaver)
		_ = leaver.Conn.Close()
	}
	m.open[c] = struct{}{}
	m.by[c.address]++
	return true
}

// longestIdle is the connection that has been without a request for longest, of that address only
// if that is tolm.
func (m *Room) longestIdle(of netip.Addr, only bool) (found *conn) {
	for c := range m.open {
		if c.idle.IsZero() || only && c.address != of {
			continue
		}
		if found == nil || c.idle.Before(found.idle) {
			found = c
		}
	}
	return found
}

// forget no longer counts a connection. It may be called twice for one.
func (m *Room) forget(c *conn) {
	if _, open := m.open[c]; !open {
		return
	}
	delete(m.open, c)
	if m.by[c.address]--; m.by[c.address] == 0 {
		delete(m.by, c.address)
	}
}

// Close makes room for another.
func (c *conn) Close() error {
	c.room.mu.Lock()
	c.room.forget(c)
	c.room.mu.Unlock()
	return c.Conn.Close()
}

// changed is told by the server what a connection is doing.
func changed(nc net.Conn, state http.ConnState) {
	if wrapped, ok := nc.(*tls.Conn); ok {
		nc = wrapped.NetConn()
	}
	c, ours := nc.(*conn)
	if !ours {
		return
	}
	c.room.mu.Lock()
	defer c.room.mu.Unlock()
	switch state {
	case http.StateActive:
		c.idle = time.Time{}
	case http.StateIdle:
		c.idle = time.Now()
	}
}
