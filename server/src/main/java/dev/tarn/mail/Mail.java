package dev.tarn.mail;

import jakarta.mail.Authenticator;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.PasswordAuthentication;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** E-mail to people, where an SMTP server is configured. */
public final class Mail {
  private static final Logger LOG = LoggerFactory.getLogger(Mail.class);
  private static final int PATIENCE = 10_000;

  private final Settings settings;

  public Mail(Settings settings) {
    this.settings = settings;
  }

  /**
   * @param host of the SMTP server, "" for none
   * @param from the sender's address
   * @param user "" for a server that asks for none
   * @param passwordFile holds the user's password, so that no setting does
   * @param tls {@code starttls} (required, not merely tried), {@code tls} from the first byte, or
   *     {@code off}
   */
  public record Settings(
      String host, int port, String from, String user, String passwordFile, String tls) {}

  public boolean isConfigured() {
    return !settings.host().isEmpty();
  }

  /**
   * Hands a plain text over to the server; takes as long as that takes, at most a few times ten
   * seconds.
   *
   * @return why it could not, empty when it did
   */
  public Optional<String> send(String to, String subject, String text) {
    try {
      MimeMessage message = new MimeMessage(session());
      message.setFrom(new InternetAddress(settings.from(), true));
      message.setRecipient(Message.RecipientType.TO, new InternetAddress(to, true));
      message.setSubject(subject, "UTF-8");
      message.setText(text, "UTF-8");
      Transport.send(message);
      return Optional.empty();
    } catch (MessagingException | IOException e) {
      LOG.warn("no e-mail to {} through {}:{}", to, settings.host(), settings.port(), e);
      return Optional.of(
          "the SMTP server "
              + settings.host()
              + ":"
              + settings.port()
              + " said: "
              + e.getMessage());
    }
  }

  private Session session() throws IOException {
    Properties properties = new Properties();
    String patience = Integer.toString(PATIENCE);
    properties.put("mail.smtp.host", settings.host());
    properties.put("mail.smtp.port", Integer.toString(settings.port()));
    properties.put("mail.smtp.connectiontimeout", patience);
    properties.put("mail.smtp.timeout", patience);
    properties.put("mail.smtp.writetimeout", patience);
    properties.put("mail.smtp.ssl.enable", Boolean.toString(settings.tls().equals("tls")));
    properties.put(
        "mail.smtp.starttls.enable", Boolean.toString(settings.tls().equals("starttls")));
    properties.put(
        "mail.smtp.starttls.required", Boolean.toString(settings.tls().equals("starttls")));
    properties.put("mail.smtp.ssl.checkserveridentity", "true");
    properties.put("mail.smtp.auth", Boolean.toString(!settings.user().isEmpty()));
    if (settings.user().isEmpty()) {
      return Session.getInstance(properties);
    }
    String password = Files.readString(Path.of(settings.passwordFile())).strip();
    return Session.getInstance(
        properties,
        new Authenticator() {
          @Override
          protected PasswordAuthentication getPasswordAuthentication() {
            return new PasswordAuthentication(settings.user(), password);
          }
        });
  }
}
