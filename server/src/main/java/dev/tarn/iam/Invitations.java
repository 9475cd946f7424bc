package dev.tarn.iam;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Database;
import dev.tarn.database.Seal;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Visit;
import dev.tarn.iam.InvitationDao.Kind;
import dev.tarn.iam.InvitationDao.Row;
import dev.tarn.mail.Mail;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Signing up by one-time links: the first administrator's, printed where the installation was made;
 * those of people whom an administrator invites; and those that replace a forgotten password, which
 * only who administers the machine can make. A link carries its token behind {@code #}, where
 * browsers keep it to themselves.
 */
public final class Invitations {
  static final Duration INVITED = Duration.ofDays(7);
  private static final Duration RECOVERY = Duration.ofHours(1);
  private static final int LONGEST_NAME = 200;

  private final Principals principals;
  private final SignIn signIn;
  private final Passwords passwords;
  private final Mail mail;
  private final RegionChoice regions;
  private final Path keys;
  private final Clock clock;

  Invitations(
      Principals principals,
      SignIn signIn,
      Passwords passwords,
      Mail mail,
      RegionChoice regions,
      Path keys,
      Clock clock) {
    this.principals = principals;
    this.signIn = signIn;
    this.passwords = passwords;
    this.mail = mail;
    this.regions = regions;
    this.keys = keys;
    this.clock = clock;
  }

  /**
   * Sees to it that there is a link for the first administrator as long as nobody has signed up:
   * its token is in {@code keys/first-admin-link}, for who may read that.
   */
  static void offerFirst(Principals principals, Principal admin, Path keys, Clock clock)
      throws IOException {
    Path file = keys.resolve("first-admin-link");
    if (principals.read(InvitationDao::isSignedUp)) {
      Files.deleteIfExists(file);
      return;
    }
    if (Files.exists(file)) {
      String kept = Files.readString(file).trim();
      Optional<Row> row = principals.read(handle -> InvitationDao.find(handle, kept));
      if (row.isPresent() && row.get().expiresAt() > clock.millis()) {
        return;
      }
    }
    String token = Tokens.random("", 32);
    principals.write(
        handle -> {
          insert(handle, Kind.FIRST_ADMIN, admin.id(), "the first start", INVITED, token, clock);
          return null;
        });
    Seal.writeSecret(file, token + "\n");
  }

  private static Row insert(
      Handle handle,
      Kind kind,
      long principalId,
      String by,
      Duration lifetime,
      String token,
      Clock clock) {
    long now = clock.millis();
    Row row =
        new Row(Tokens.random("", 16), kind, principalId, by, now, now + lifetime.toMillis(), null);
    InvitationDao.insert(handle, row, token);
    return row;
  }

  public record Inspect(String token) {}

  /**
   * What a link is for.
   *
   * @param userName whose it is; the first administrator says it then
   * @param accountName of the first administrator's link: the account's name so far
   * @param region of the first administrator's link: the region so far
   */
  public record Inspected(
      Kind kind, String userName, String accountName, String region, long expiresAt) {}

  @Allow(Role.ANYONE)
  @Operation("POST /api/2.0/tarn/invitations/inspect")
  public Inspected inspect(Caller caller, Inspect request) {
    return principals.read(
        handle -> {
          Row row = InvitationDao.usable(handle, request.token(), clock.millis());
          if (row.kind() == Kind.FIRST_ADMIN) {
            return new Inspected(
                row.kind(), null, accountName(handle), regions.now(), row.expiresAt());
          }
          Principal user = Principals.find(handle, row.principalId()).orElseThrow();
          return new Inspected(row.kind(), user.name(), null, null, row.expiresAt());
        });
  }

  private static String accountName(Handle handle) {
    return handle.createQuery("SELECT account_name FROM account").mapTo(String.class).one();
  }

  /**
   * @param userName of the first administrator, who has none yet; else it may be left out
   * @param accountName for the first administrator to choose
   * @param region for the first administrator to choose
   */
  public record Redeem(
      Visit visit,
      String token,
      String userName,
      String displayName,
      String password,
      String accountName,
      String region) {}

  @Allow(Role.ANYONE)
  @Operation("POST /api/2.0/tarn/invitations/redeem")
  public Answer redeem(Caller caller, Redeem request) {
    Row row =
        principals.read(handle -> InvitationDao.usable(handle, request.token(), clock.millis()));
    Principal before =
        principals.read(handle -> Principals.find(handle, row.principalId()).orElseThrow());
    Principal after = named(row, before, request);
    Passwords.check("password", request.password(), after.name());
    if (row.kind() == Kind.FIRST_ADMIN) {
      checkAccount(request);
    }
    String hash = passwords.hash(request.password());
    Answer answer;
    try {
      answer = signIn.begin(after, request.visit(), handle -> use(handle, after, hash, request));
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new AlreadyExists(
            "User with email " + after.name() + " already exists in this account", null);
      }
      throw e;
    }
    if (row.kind() == Kind.FIRST_ADMIN) {
      forgetFirst();
    }
    return answer;
  }

  /** The principal as the link's owner wants to be known. */
  private Principal named(Row row, Principal before, Redeem request) {
    String userName = null;
    if (row.kind() == Kind.FIRST_ADMIN) {
      if (request.userName() == null) {
        throw new InvalidParameterValue("user_name: missing (expected: an e-mail address)", null);
      }
      userName = request.userName();
    } else if (request.userName() != null
        && !Principals.folded(request.userName()).equals(before.name())) {
      throw new InvalidParameterValue(
          "user_name: '"
              + Scim.shortened(request.userName())
              + "' (expected: '"
              + before.name()
              + "', whose link this is)",
          null);
    }
    String displayName =
        row.kind() == Kind.RECOVERY || request.displayName() == null
            ? null
            : checked("display_name", request.displayName());
    return Scim.renamed(before, userName, displayName, clock.millis());
  }

  private static String checked(String field, String name) {
    if (name.isBlank()
        || name.length() > LONGEST_NAME
        || name.chars().anyMatch(Character::isISOControl)) {
      throw new InvalidParameterValue(
          field
              + ": '"
              + Scim.shortened(name)
              + "' (expected: 1 to "
              + LONGEST_NAME
              + " characters, no control characters)",
          null);
    }
    return name.strip();
  }

  private void checkAccount(Redeem request) {
    if (request.accountName() != null) {
      checked("account_name", request.accountName());
    }
    if (request.region() != null) {
      regions.check(request.region());
    }
  }

  private void use(Handle handle, Principal user, String hash, Redeem request) {
    Row row = InvitationDao.claim(handle, request.token(), clock.millis());
    if (row.kind() == Kind.FIRST_ADMIN && InvitationDao.isSignedUp(handle)) {
      throw new InvalidState("the first administrator has signed up already", null);
    }
    Passwords.set(handle, user.id(), hash, clock.millis());
    if (row.kind() == Kind.RECOVERY) {
      BrowserSessions.endAll(handle, user.id(), null);
      Grants.endAll(handle, user.id(), null);
      return;
    }
    Principals.update(handle, user);
    if (row.kind() == Kind.FIRST_ADMIN) {
      handle
          .createUpdate(
              """
              UPDATE account SET account_name = COALESCE(CAST(:name AS TEXT), account_name),
                region = COALESCE(CAST(:region AS TEXT), region)
              """)
          .bind("name", request.accountName() == null ? null : request.accountName().strip())
          .bind("region", request.region())
          .execute();
    }
  }

  private void forgetFirst() {
    try {
      Files.deleteIfExists(keys.resolve("first-admin-link"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete the link that was used", e);
    }
  }

  public record Create(Visit visit, String accountId, String userName, String displayName) {}

  /**
   * @param link null when it was sent
   * @param sent whether it went out by e-mail
   * @param problem why it did not, where e-mail is configured
   */
  public record Created(
      String invitationId,
      String userName,
      String link,
      long expiresAt,
      boolean sent,
      String problem) {}

  /** Whom the account does not have yet is made, and can be given groups and workspaces at once. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/tarn/invitations")
  public Created create(Caller caller, Create request) {
    Principal asked =
        Scim.user(
            request.userName(),
            request.displayName() == null ? null : checked("display_name", request.displayName()),
            clock.millis());
    String token = Tokens.random("", 32);
    Row row =
        principals.write(
            handle -> {
              Principal user =
                  Principals.named(handle, Caller.Kind.USER, asked.name())
                      .orElseGet(() -> Principals.insert(handle, asked));
              if (Passwords.of(handle, user.id()).isPresent()) {
                throw new AlreadyExists(
                    user.name()
                        + " has signed up already; who has forgotten the password asks who runs the"
                        + " machine for `tarn account recover`",
                    null);
              }
              if (!user.active()) {
                throw new InvalidState(user.name() + " is deactivated", null);
              }
              return insert(
                  handle, Kind.INVITATION, user.id(), caller.name(), INVITED, token, clock);
            });
    String link = request.visit().base() + "/sign-up#" + token;
    Optional<String> problem =
        mail.isConfigured()
            ? mail.send(
                asked.name(),
                "You are invited to " + principals.read(Invitations::accountName),
                caller.name()
                    + " invites you. Choose a password here, within "
                    + INVITED.toDays()
                    + " days; the link works once:\n\n"
                    + link
                    + "\n")
            : Optional.empty();
    boolean sent = mail.isConfigured() && problem.isEmpty();
    return new Created(
        row.id(), asked.name(), sent ? null : link, row.expiresAt(), sent, problem.orElse(null));
  }

  public record OfAccount(String accountId) {}

  /** An invitation that waits for its person. */
  public record Open(
      String invitationId,
      String principalId,
      String userName,
      String createdBy,
      long createdAt,
      long expiresAt,
      boolean expired) {}

  public record OpenOnes(List<Open> invitations) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/invitations")
  public OpenOnes list(Caller caller, OfAccount request) {
    return principals.read(
        handle ->
            new OpenOnes(
                InvitationDao.open(handle).stream()
                    .map(
                        row ->
                            new Open(
                                row.id(),
                                Long.toString(row.principalId()),
                                Principals.find(handle, row.principalId()).orElseThrow().name(),
                                row.createdBy(),
                                row.createdAt(),
                                row.expiresAt(),
                                row.expiresAt() <= clock.millis()))
                    .toList()));
  }

  public record One(String accountId, String invitationId) {}

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("DELETE /api/2.0/accounts/{account_id}/tarn/invitations/{invitation_id}")
  public void revoke(Caller caller, One request) {
    if (!principals.write(handle -> InvitationDao.revoke(handle, request.invitationId()))) {
      throw new ResourceDoesNotExist(
          "Invitation " + Scim.shortened(request.invitationId()) + " does not exist", null);
    }
  }

  /**
   * @param machineSecret what is in {@code keys/machine-secret}
   * @param userName whose password is forgotten; the oldest account admin when null
   */
  public record Recover(Visit visit, String machineSecret, String userName) {}

  public record Recovery(String userName, String link, long expiresAt) {}

  /** Whoever can read the machine's keys may do this, also when no administrator can get in. */
  @Allow(Role.ANYONE)
  @Operation("POST /api/2.0/tarn/recoveries")
  public Recovery recover(Caller caller, Recover request) {
    if (request.machineSecret() == null
        || !MessageDigest.isEqual(
            request.machineSecret().getBytes(UTF_8), machineSecret(keys).getBytes(UTF_8))) {
      throw new PermissionDenied(
          "machine_secret is missing or wrong (expected: what is in keys/machine-secret)", null);
    }
    String token = Tokens.random("", 32);
    return principals.write(
        handle -> {
          Principal user = forgetful(handle, request.userName());
          Row row =
              insert(
                  handle,
                  Kind.RECOVERY,
                  user.id(),
                  "who administers the machine",
                  RECOVERY,
                  token,
                  clock);
          return new Recovery(
              user.name(), request.visit().base() + "/recover#" + token, row.expiresAt());
        });
  }

  private static Principal forgetful(Handle handle, String userName) {
    Principal user =
        (userName == null
                ? firstAdmin(handle)
                : Principals.named(handle, Caller.Kind.USER, Principals.folded(userName)))
            .orElseThrow(
                () ->
                    new ResourceDoesNotExist(
                        "User " + Scim.shortened(userName) + " does not exist", null));
    if (!user.active()) {
      throw new InvalidState(
          user.name() + " is deactivated (expected: an account admin activates the user first)",
          null);
    }
    return user;
  }

  /** Of the active account admins the oldest. */
  static Optional<Principal> firstAdmin(Handle handle) {
    return handle
        .createQuery(
            """
            SELECT * FROM principal WHERE account_admin AND active AND kind = 'USER'
            ORDER BY created_at, principal_id LIMIT 1
            """)
        .map((row, context) -> Principal.of(row))
        .findOne();
  }

  /** Proves that its bearer reads this installation's keys; made on first use with mode 0600. */
  static String machineSecret(Path keys) {
    Path file = keys.resolve("machine-secret");
    try {
      if (!Files.exists(file)) {
        Seal.writeSecret(file, Tokens.random("", 32) + "\n");
      }
      return Files.readString(file).trim();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
