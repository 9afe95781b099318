"""Requests to disagree about: well-formed ones, ones with a twist of the grammar, and bytes changed at random."""

METHODS = [b"GET", b"POST", b"PUT", b"OPTIONS", b"DELETE", b"HEAD", b"PATCH"]
ODD_METHODS = [b"get", b"G!T", b"X-METHOD", b"CONNECT", b"PRI", b"G\x00T", b"G(T", b"", b"M-SEARCH", b"G\xc3\xa9T"]
TARGETS = [b"/", b"/chatkit", b"/a/b?c=d&e", b"/%20%zz", b"/a;b=c", b"/~x/.", b"/?", b"//h/x", b"http://h/x?y", b"http://h:80"]
ODD_TARGETS = [b"*", b"h:80", b"", b"/a#b", b"/\xc3\xa9", b"/a b", b"/\x00", b"/\x7f", b"/|{}[]", b"/\\", b"/a\tb", b'/"', b"/<x>",
               b"http://", b"http://u@h/", b"ftp://h/", b"HTTP://H/", b"?x", b"/^`", b"https://[::1]:8/x", b"http://h?x"]
ODD_VERSIONS = [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/1.1 ", b" HTTP/1.1", b"http/1.1", b"HTTP/01.1", b"HTTP/1.10",
                b"HTTP/1,1", b"HTTPS/1.1", b"", b"HTTP/1.1\t", b"ICE/1.0", b"RTSP/1.0"]
HOSTS = [b"h", b"h:8000", b"127.0.0.1", b"[::1]:80", b"", b"a.b-c_d"]
ODD_HOSTS = [b"h, h", b"u@h", b"h/x", b"h h", b"\xff", b"h\x00", b'"h"', b"h\\", b"h:x", b"h?x"]
LENGTHS = [b"+3", b"-1", b"3, 3", b"3 3", b"0x3", b"", b" 3", b"3 ", b"\t3", b"03", b"3.0", b"9223372036854775807", b"9223372036854775808",
           b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999", b"3\x0b", b"\xb2", b"3;x", b"3_0", b"00"]
CODINGS = [b"Chunked", b"CHUNKED", b"chunked ", b" chunked", b"xchunked", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked",
           b"chunked,", b",chunked", b"", b"identity", b"gzip", b"chunked;x=y", b'"chunked"', b"chunked\x0b", b"\x0bchunked", b"chunke\xc4\x91"]
CONNECTIONS = [b"close", b"keep-alive", b"Close", b"close, x", b"x, close", b"keep-alive, close", b"upgrade", b"close x", b"", b",close", b"closed"]
OTHERS = [b"Accept: */*", b"User-Agent: t/1", b"X: a:b", b"X-Empty:", b"X-Tab:\ta\tb\t", b"X-Latin: \xe9\xff", b"Cookie: a=b; c=d", b"Expect: 100-continue",
          b"Accept: text/event-stream", b"Content-Type: application/json", b"!#$%&'*+-.^_`|~: v", b"X-Long: " + b"y" * 300]
ODD_OTHERS = [b" Folded: x", b"\tFolded: x", b"X : y", b"X\t: y", b": y", b"X", b"X\x00: y", b"X: a\x00b", b"X: a\x01b", b"X: a\x7fb", b"X: a\x0bb",
              b"X\xe9: y", b"(X): y", b"X: a\rb", b"X: a\nb", b"Upgrade: websocket", b"Upgrade: h2c", b"Expect: 200-ok", b"X@Y: z", b"X: \x80",
              b"Proxy-Connection: close", b"X: a\r b", b"X: a\n\tb", b"X: " + b"z" * 9000]
EXTENSIONS = [b";x", b";x=y", b';x="y z"', b" ;x", b"; x = y", b";", b";x=\x00", b";\x7f", b";x=\xff", b" ", b"\t", b" x", b";x\rb", b';x="\\"']
SIZES = [b"0x3", b"+3", b"-3", b"", b" 3", b"g", b"FFFFFFFFFFFFFFFF", b"10000000000000000", b"003", b"3.", b"00000000000000003", b"7FFFFFFFFFFFFFFF"]
ENDS = [b"\n", b"\r", b"\r\r\n", b"\n\r", b"", b"\r\n\r\n", b"\n\n"]
BYTES = b"\x00\x01\t\n\x0b\r \x1f!\"#,/0123:;=?@AZ\\az{|}~\x7f\x80\xa0\xff"


class Generator:
    def __init__(self, random):
        self.random = random

    def pick(self, options):
        return self.random.choice(options)

    def one_in(self, number):
        return self.random.random() * number < 1

    def valid(self):
        """A request that every server must take."""
        fields = [b"Host: " + self.pick(HOSTS[:4])]
        fields += self.random.sample(OTHERS, self.random.randrange(4))
        body = b""
        method = self.pick(METHODS)
        kind = self.random.randrange(3)
        if kind == 1:
            body = b"B" * self.pick([0, 1, 3, 40])
            fields.append(b"Content-Length: %d" % len(body))
        elif kind == 2:
            fields.append(b"Transfer-Encoding: chunked")
            for _ in range(self.random.randrange(3)):
                size = self.pick([1, 3, 17])
                body += b"%x%s\r\n%s\r\n" % (size, self.pick([b"", b"", b";x=y"]), b"C" * size)
            body += b"0\r\n" + self.pick([b"", b"", b"X-Trailer: t\r\n"]) + b"\r\n"
        if self.one_in(6):
            fields.append(b"Connection: " + self.pick([b"close", b"keep-alive"]))
        self.random.shuffle(fields)
        target = self.pick(TARGETS)
        return b"%s %s HTTP/1.1\r\n%s\r\n\r\n%s" % (method, target, b"\r\n".join(fields), body)

    def twisted(self):
        """A request whose parts are now and then what a specification forbids or leaves open."""
        often = self.pick([3, 8, 20])
        odd = lambda usual, strange: self.pick(strange if self.one_in(often) else usual)
        end = lambda: self.pick(ENDS) if self.one_in(often * 6) else b"\r\n"
        space = lambda: self.pick([b"  ", b"\t", b"", b"\x0b"]) if self.one_in(often * 4) else b" "
        fields = []
        for _ in range(self.pick([0, 1, 1, 1, 1, 1, 1, 2])):
            fields.append(self.pick([b"Host", b"host", b"HOST"]) + b": " + odd(HOSTS, ODD_HOSTS))
        for _ in range(self.random.randrange(4)):
            fields.append(odd(OTHERS, ODD_OTHERS))
        body = b""
        if self.one_in(2):
            body = self.pick([b"", b"abc", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"0\r\n\r\n"])
            length = self.pick(LENGTHS) if self.one_in(often) else b"%d" % max(0, len(body) + self.pick([0, 0, 0, 1, -1]))
            fields.append(self.pick([b"Content-Length", b"content-length"]) + b":" + self.pick([b" ", b"", b"\t "]) + length)
        if self.one_in(2):
            fields.append(self.pick([b"Transfer-Encoding", b"transfer-encoding"]) + b": " + odd([b"chunked"], CODINGS))
            for _ in range(self.random.randrange(3)):
                size = self.pick([1, 3, 11])
                body += odd([b"%x" % size, b"%X" % size], SIZES) + odd([b""], EXTENSIONS) + end() + b"D" * size + end()
            body += odd([b"0"], [b"00", b"0;x", b"0 ", b"000000000000000000"]) + end()
            body += odd([b"", b"", b"X-T: v\r\n"], [b"Content-Length: 3\r\n", b"Host: h\r\n", b" x: y\r\n", b"x\r\n", b"Transfer-Encoding: chunked\r\n"]) + end()
        if self.one_in(4):
            fields.append(b"Connection: " + self.pick(CONNECTIONS))
        self.random.shuffle(fields)
        request = odd(METHODS, ODD_METHODS) + space() + odd(TARGETS, ODD_TARGETS) + space() + odd([b"HTTP/1.1"], ODD_VERSIONS) + end()
        for field in fields:
            request += field + end()
        return (b"\r\n" if self.one_in(20) else b"") + request + end() + body

    def mutated(self, request):
        """The request with one to four random changes."""
        bytes_ = bytearray(request)
        for _ in range(self.random.randrange(1, 5)):
            at = self.random.randrange(len(bytes_) + 1)
            kind = self.random.randrange(7)
            if kind == 0:
                bytes_.insert(at, self.pick(BYTES))
            elif kind == 1:
                bytes_[at:at + 1] = b""
            elif kind == 2:
                bytes_[at:at + 1] = bytes([self.pick(BYTES)])
            elif kind == 3:
                other = self.random.randrange(len(bytes_) + 1)
                bytes_[at:at] = bytes_[min(at, other):max(at, other)][:60]
            elif kind == 4:
                lines = bytes(bytes_).split(b"\r\n")
                one, two = self.random.randrange(len(lines)), self.random.randrange(len(lines))
                lines[one], lines[two] = lines[two], lines[one]
                bytes_ = bytearray(b"\r\n".join(lines))
            elif kind == 5 and self.one_in(4):
                bytes_ = bytes_[:at]
            else:
                bytes_[at:at + 1] = bytes([self.random.randrange(256)])
        return bytes(bytes_)

    def case(self):
        """(bytes, whether every parser must take them as they stand)"""
        kind = self.random.randrange(8)
        if kind == 0:
            return self.valid(), True
        if kind == 1:
            return self.valid() + self.valid(), True
        if kind == 2:
            return self.mutated(self.valid() + self.valid()), False
        if kind == 3:
            return self.mutated(self.twisted()), False
        if kind == 4:
            return self.twisted() + self.valid(), False
        if kind == 5:
            return self.mutated(self.valid()), False
        return self.twisted(), False
