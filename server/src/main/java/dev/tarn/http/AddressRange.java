package dev.tarn.http;

import java.net.InetAddress;

/** Addresses that begin with the same bits, written {@code 10.0.0.0/8}; one alone has no slash. */
public record AddressRange(InetAddress base, int bits) {
  /**
   * @throws IllegalArgumentException it is none; names are not resolved
   */
  public static AddressRange parse(String text) {
    try {
      int slash = text.indexOf('/');
      InetAddress base = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
      int most = base.getAddress().length * 8;
      int bits = slash < 0 ? most : Integer.parseInt(text.substring(slash + 1));
      if (bits >= 0 && bits <= most) {
        return new AddressRange(base, bits);
      }
    } catch (IllegalArgumentException e) {
      // Said below, with what was expected.
    }
    throw new IllegalArgumentException(
        "'" + text + "' (expected: an address or range such as 10.0.0.5 or 10.0.0.0/8)");
  }

  public boolean contains(InetAddress address) {
    byte[] one = base.getAddress();
    byte[] other = address.getAddress();
    if (one.length != other.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit++) {
      int mask = 0x80 >> (bit % 8);
      if ((one[bit / 8] & mask) != (other[bit / 8] & mask)) {
        return false;
      }
    }
    return true;
  }
}
