package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// door is a listener that accepts no more connections than the limits say. When it is full, the
// connection that has been without a request for longest is closed for the new one.
type door struct {
	net.Listener
	limits   Limits
	refusals *Refusals

	mu   sync.Mutex
	open map[*conn]struct{}
	by   map[netip.Addr]int
}

func newDoor(ln net.Listener, limits Limits, refusals *Refusals) *door {
	return &door{Listener: ln, limits: limits, refusals: refusals, open: map[*conn]struct{}{}, by: map[netip.Addr]int{}}
}

// conn is a connection that counts towards the limits.
type conn struct {
	net.Conn
	door    *door
	address netip.Addr
	// idle is since when it is without a request; the zero time while there is one. The door's
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
		c := &conn{Conn: accepted, door: d, address: addressOf(accepted), idle: time.Now()}
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

func (d *door) admit(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	crowded := !c.address.IsLoopback() && d.by[c.address] >= d.limits.PerAddress
	if crowded || len(d.open) >= d.limits.Connections {
		leaver := d.longestIdle(c.address, crowded)
		if leaver == nil {
			return false
		}
		d.forget(leaver)
		_ = leaver.Conn.Close()
	}
	d.open[c] = struct{}{}
	d.by[c.address]++
	return true
}

// longestIdle is the connection that has been without a request for longest, of that address only
// if that is told.
func (d *door) longestIdle(of netip.Addr, only bool) (found *conn) {
	for c := range d.open {
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
func (d *door) forget(c *conn) {
	if _, open := d.open[c]; !open {
		return
	}
	delete(d.open, c)
	if d.by[c.address]--; d.by[c.address] == 0 {
		delete(d.by, c.address)
	}
}

// Close makes room for another.
func (c *conn) Close() error {
	c.door.mu.Lock()
	c.door.forget(c)
	c.door.mu.Unlock()
	return c.Conn.Close()
}

// changed is told by the server what a connection is doing.
func changed(nc net.Conn, state http.ConnState) {
	c, ours := nc.(*conn)
	if !ours {
		return
	}
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	switch state {
	case http.StateActive:
		c.idle = time.Time{}
	case http.StateIdle:
		c.idle = time.Now()
	}
}
