package dev.tarn.cloudformation;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tarn.cloudformation.StackDao.StackRow;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Leases;
import dev.tarn.database.Seal;
import dev.tarn.database.Slice;
import dev.tarn.engine.Sandbox;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import dev.tarn.storage.Buckets;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * CloudFormation for one template, embedded: it carries out {@code stack/quickstart.yaml} with the
 * handlers that AWS would run. Stacks, resources and events are rows ({@link StackDao}); {@link
 * StackRun} moves them; a {@link ResourceType} knows what a resource is here.
 */
public final class Stacks implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Stacks.class);
  private static final String QUICKSTART = "quickstart";
  private static final String ACCOUNT_API_URL = "AccountApiUrl";
  private static final String SESSION_TOKEN = "SessionToken";
  private static final Duration AGAIN = Duration.ofSeconds(5);
  private static final SecureRandom RANDOM = new SecureRandom();

  private final StackDao dao;
  private final Leases leases;
  private final Seal seal;
  private final Sessions sessions;
  private final Clock clock;
  private final Handlers handlers;
  private final Arns arns;
  private final Supplier<String> accountId;
  private final Supplier<String> ownUrl;
  private final LambdaFunctions functions;
  private final IamRoles roles;
  private final Map<String, ResourceType> types;

  /** The stacks that are being worked on, each by one thread; guarded by itself. */
  private final Map<String, Thread> runs = new HashMap<>();

  private final CountDownLatch closing = new CountDownLatch(1);

  /**
   * @param accountId of this installation; asked for only when there are stacks
   * @param runtime a private folder for what functions run from
   * @param ownUrl where this server answers, such as {@code http://127.0.0.1:8484}; asked for only
   *     after {@link #resume}
   */
  public Stacks(
      Database database,
      Seal seal,
      Buckets buckets,
      Sandbox sandbox,
      Sessions sessions,
      Supplier<String> accountId,
      Supplier<String> region,
      Path runtime,
      Path logs,
      Clock clock,
      Supplier<String> ownUrl) {
    this.dao = new StackDao(database, clock);
    this.leases = database.leases();
    this.seal = seal;
    this.sessions = sessions;
    this.clock = clock;
    this.handlers = Handlers.ofThisBuild();
    this.accountId = accountId;
    this.ownUrl = ownUrl;
    arns = new Arns(accountId, region);
    functions =
        new LambdaFunctions(
            database, buckets, handlers, sandbox, arns, runtime.resolve("functions"), logs, clock);
    roles = new IamRoles(database, arns);
    types =
        Map.of(
            "AWS::IAM::Role",
            roles,
            "AWS::S3::Bucket",
            new S3Buckets(buckets, handlers, region),
            "AWS::Lambda::Function",
            functions,
            CustomResources.PREFIX,
            new CustomResources(dao, functions, ownUrl));
  }

  /** Mounts the operations of this package. */
  public void routes(Routes routes) {
    routes.mountOwn(this);
  }

  /** Whether there is no stack. */
  public boolean isEmpty() {
    return dao.list().isEmpty();
  }

  /** Goes on with what a former process left in progress; to be called when the server listens. */
  public void resume() {
    functions.reap();
    seek();
  }

  /** Goes on with what another control plane left in progress. */
  public void seek() {
    dao.inProgress().forEach(this::run);
  }

  /** Whether a role of this ARN was made by a stack and is there. */
  public boolean isRole(String arn) {
    return roles.stackOf(arn).isPresent();
  }

  /** Whether a role can get at a bucket. */
  public static boolean reaches(Handle handle, String roleArn, String bucket) {
    return IamRoles.reaches(handle, roleArn, bucket);
  }

  record CreateStack(
      String accountId,
      @JsonProperty("StackName") String stackName,
      @JsonProperty("TemplateName") String templateName,
      @JsonProperty("Parameters") Map<String, String> parameters) {}

  record StackId(
      @JsonProperty("StackId") String stackId, @JsonProperty("StackName") String stackName) {}

  record Named(String accountId, String name) {}

  /**
   * @param templateName the template of this build; null keeps the stack's own
   * @param parameters the others keep their values
   */
  record UpdateStack(
      String accountId,
      String name,
      @JsonProperty("TemplateName") String templateName,
      @JsonProperty("Parameters") Map<String, String> parameters) {}

  /**
   * @param retained logical ids of resources that could not be deleted, and are left as they are
   * @param emptyBuckets whether what people put into the stack's buckets is deleted with them
   */
  record DeleteStack(
      String accountId,
      String name,
      @JsonProperty("RetainResources") List<String> retained,
      @JsonProperty("EmptyBuckets") Boolean emptyBuckets) {}

  record Protection(
      String accountId,
      String name,
      @JsonProperty("EnableTerminationProtection") Boolean enabled) {}

  record AllStacks(String accountId) {}

  /** See {@link Slice.Wanted}; without a count all are answered. */
  record ListStacks(String accountId, String filter, Integer startIndex, Integer count) {}

  record Parameter(
      @JsonProperty("ParameterKey") String key, @JsonProperty("ParameterValue") String value) {}

  record Output(@JsonProperty("OutputKey") String key, @JsonProperty("OutputValue") String value) {}

  /** {@code CreationTime} and other times as in AWS's JSON: ISO 8601, UTC. */
  record Stack(
      @JsonProperty("StackId") String stackId,
      @JsonProperty("StackName") String stackName,
      @JsonProperty("StackStatus") String status,
      @JsonProperty("StackStatusReason") String statusReason,
      @JsonProperty("CreationTime") String creationTime,
      @JsonProperty("LastUpdatedTime") @JsonInclude(JsonInclude.Include.NON_NULL) String updateTime,
      @JsonProperty("EnableTerminationProtection") boolean terminationProtection,
      @JsonProperty("Parameters") List<Parameter> parameters,
      @JsonProperty("Outputs") List<Output> outputs) {}

  record StackList(@JsonProperty("Stacks") List<Stack> stacks, @JsonProperty("Total") Long total) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Event(
      @JsonProperty("EventId") String eventId,
      @JsonProperty("StackId") String stackId,
      @JsonProperty("StackName") String stackName,
      @JsonProperty("LogicalResourceId") String logicalId,
      @JsonProperty("PhysicalResourceId") String physicalId,
      @JsonProperty("ResourceType") String type,
      @JsonProperty("ResourceStatus") String status,
      @JsonProperty("ResourceStatusReason") String statusReason,
      @JsonProperty("Timestamp") String timestamp) {}

  record EventList(@JsonProperty("StackEvents") List<Event> events) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Resource(
      @JsonProperty("StackId") String stackId,
      @JsonProperty("StackName") String stackName,
      @JsonProperty("LogicalResourceId") String logicalId,
      @JsonProperty("PhysicalResourceId") String physicalId,
      @JsonProperty("ResourceType") String type,
      @JsonProperty("ResourceStatus") String status,
      @JsonProperty("ResourceStatusReason") String statusReason,
      @JsonProperty("Timestamp") String timestamp,
      @JsonProperty("Uses") List<TemplateSummary.Use> uses) {}

  record ResourceList(@JsonProperty("StackResources") List<Resource> resources) {}

  record OutputList(@JsonProperty("Outputs") List<Output> outputs) {}

  /** What a function PUTs to the URL it was given; the token is the only proof there is. */
  record FunctionAnswer(
      String token,
      @JsonProperty("Status") String status,
      @JsonProperty("Reason") String reason,
      @JsonProperty("PhysicalResourceId") String physicalId,
      @JsonProperty("StackId") String stackId,
      @JsonProperty("RequestId") String requestId,
      @JsonProperty("LogicalResourceId") String logicalId,
      @JsonProperty("NoEcho") Boolean noEcho,
      @JsonProperty("Data") Map<String, String> data) {}

  /** Checks all that can be checked, then starts; what follows is to be seen in the events. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/stacks")
  public StackId create(Caller caller, CreateStack request) {
    return create(
        caller,
        request.stackName(),
        template(request.templateName() == null ? QUICKSTART : request.templateName()),
        request.parameters() == null ? Map.of() : request.parameters());
  }

  private String template(String name) {
    if (!name.equals(QUICKSTART)) {
      throw Template.invalid(
          "TemplateName: '" + Template.shortened(name) + "' (expected: " + QUICKSTART + ")");
    }
    return handlers.template();
  }

  /** A stack of any template this runner understands. */
  StackId create(Caller caller, String wanted, String yaml, Map<String, String> given) {
    String name = wanted == null || wanted.isEmpty() ? freshName() : wanted;
    if (!name.matches("[A-Za-z][A-Za-z0-9-]{0,127}")) {
      throw Template.invalid(
          "StackName: '"
              + Template.shortened(name)
              + "' (expected: a letter, then up to 127 letters, digits and hyphens)");
    }
    Template template = Template.parse(yaml);
    String stackId = arns.stack(name, UUID.randomUUID().toString());
    Map<String, String> parameters = parameters(template, given);
    boolean mint =
        template.parameters().containsKey(SESSION_TOKEN) && !parameters.containsKey(SESSION_TOKEN);
    if (mint) {
      // Checked with the rest, and replaced when the rest is right.
      parameters.put(SESSION_TOKEN, "-");
    }
    Map<String, String> typeOf =
        checkedTypes(template, new Scope(template, parameters, pseudo(stackId, name)));
    if (mint) {
      parameters.put(SESSION_TOKEN, sessions.mint(caller, stackId));
    }
    if (!given.containsKey(ACCOUNT_API_URL)) {
      parameters.remove(ACCOUNT_API_URL);
    }
    try {
      dao.insert(
          row(stackId, name, template, yaml, parameters, caller.name(), clock.millis()), typeOf);
    } catch (RuntimeException e) {
      sessions.close(stackId);
      throw e;
    }
    run(stackId);
    return new StackId(stackId, name);
  }

  /** A stack as it begins: what may be shown of its parameters apart from what may not. */
  private StackRow row(
      String stackId,
      String name,
      Template template,
      String yaml,
      Map<String, String> parameters,
      String createdBy,
      long createdAt) {
    Map<String, String> shown = new TreeMap<>();
    Map<String, String> secret = new TreeMap<>();
    parameters.forEach(
        (key, value) -> {
          boolean noEcho = template.parameters().get(key).noEcho();
          shown.put(key, noEcho ? "****" : value);
          if (noEcho) {
            secret.put(key, value);
          }
        });
    return new StackRow(
        stackId,
        name,
        "CREATE_IN_PROGRESS",
        "User Initiated",
        yaml,
        shown,
        seal.seal(Json.write(secret), stackId),
        Map.of(),
        createdBy,
        createdAt,
        null,
        false,
        false);
  }

  /**
   * Changes parameters, or takes this build's template; what follows is to be seen in the events.
   */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("PATCH /api/2.0/accounts/{account_id}/stacks/{name}")
  public StackId update(Caller caller, UpdateStack request) {
    StackRow stack = find(request.name());
    return update(
        caller,
        stack,
        request.templateName() == null ? stack.template() : template(request.templateName()),
        request.parameters() == null ? Map.of() : request.parameters());
  }

  /** To any template this runner understands. */
  StackId update(Caller caller, StackRow stack, String yaml, Map<String, String> given) {
    String stackId = stack.stackId();
    Template template = Template.parse(yaml);
    Template formerTemplate = Template.parse(stack.template());
    Map<String, String> former = values(stack.parameters(), stack.sealed(), stackId);
    Map<String, String> wanted = new HashMap<>(former);
    wanted.keySet().retainAll(template.parameters().keySet());
    wanted.putAll(given);
    Map<String, String> parameters = parameters(template, wanted);
    boolean mint =
        template.parameters().containsKey(SESSION_TOKEN) && !given.containsKey(SESSION_TOKEN);
    Scope scope = new Scope(template, parameters, pseudo(stackId, stack.stackName()));
    Map<String, String> typeOf = checkedTypes(template, scope);
    synchronized (runs) {
      // One at a time, because each token makes the one before void.
      requireUpdatable(dao.find(stackId).orElseThrow());
      requireChange(stack, formerTemplate, former, template, scope, parameters);
      if (mint) {
        parameters.put(SESSION_TOKEN, sessions.mint(caller, stackId));
      }
      if (!wanted.containsKey(ACCOUNT_API_URL)) {
        parameters.remove(ACCOUNT_API_URL);
      }
      if (parameters.containsKey(SESSION_TOKEN) && former.containsKey(SESSION_TOKEN)) {
        // Its own is void from now on, and the way back needs one too.
        former.put(SESSION_TOKEN, parameters.get(SESSION_TOKEN));
      }
      StackRow to =
          row(
              stackId,
              stack.stackName(),
              template,
              yaml,
              parameters,
              stack.createdBy(),
              stack.createdAt());
      String sealedBefore =
          row(
                  stackId,
                  stack.stackName(),
                  formerTemplate,
                  stack.template(),
                  former,
                  stack.createdBy(),
                  stack.createdAt())
              .sealed();
      if (!dao.beginUpdate(to, sealedBefore, UUID.randomUUID().toString(), typeOf)) {
        requireUpdatable(dao.find(stackId).orElseThrow());
      }
    }
    run(stackId);
    return new StackId(stackId, stack.stackName());
  }

  private static void requireUpdatable(StackRow stack) {
    if (!Set.of("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
        .contains(stack.status())) {
      throw new InvalidState(
          "Stack:"
              + stack.stackId()
              + " is in "
              + stack.status()
              + " state and can not be updated.",
          null);
    }
  }

  /** Refuses what would change nothing, and what no update can change. */
  private void requireChange(
      StackRow stack,
      Template formerTemplate,
      Map<String, String> formerParameters,
      Template template,
      Scope scope,
      Map<String, String> parameters) {
    Map<String, String> before = withOwnUrl(formerTemplate, formerParameters);
    if (parameters.containsKey(SESSION_TOKEN)) {
      before.put(SESSION_TOKEN, parameters.get(SESSION_TOKEN));
    }
    Map<String, StackDao.ResourceRow> rows = new HashMap<>();
    dao.resources(stack.stackId()).forEach(row -> rows.put(row.logicalId(), row));
    Scope formerScope =
        new Scope(formerTemplate, before, pseudo(stack.stackId(), stack.stackName()));
    StackView was = new StackView(formerTemplate, formerScope, rows);
    StackView is = new StackView(template, scope, rows);
    boolean changed = !formerScope.included().equals(scope.included());
    for (String id : scope.included()) {
      if (formerScope.included().contains(id)) {
        String type = template.resources().get(id).type();
        if (!type.equals(formerTemplate.resources().get(id).type())) {
          throw Template.invalid(
              "Update of resource type is not permitted. The new template modifies resource type"
                  + " of the following resources: ["
                  + id
                  + "]");
        }
        changed |= differ(() -> was.properties(id), () -> is.properties(id));
      }
    }
    if (!changed && !differ(was::outputs, is::outputs)) {
      throw Template.invalid("No updates are to be performed.");
    }
  }

  /** What reads something that is not there yet will be another. */
  private static boolean differ(Supplier<?> was, Supplier<?> is) {
    try {
      return !was.get().equals(is.get());
    } catch (InvalidParameterValue e) {
      return true;
    }
  }

  /** Takes the way back again that did not lead to its end. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/stacks/{name}/continue-update-rollback")
  public Stack continueUpdateRollback(Caller caller, Named request) {
    StackRow stack = find(request.name());
    String stackId = stack.stackId();
    synchronized (runs) {
      StackRow now = dao.find(stackId).orElseThrow();
      boolean moved = false;
      if (now.status().equals("UPDATE_ROLLBACK_FAILED")) {
        String token = sessions.mint(caller, stackId);
        moved =
            dao.continueRollback(
                stackId,
                resealed(now.sealed(), stackId, token),
                resealed(dao.update(stackId).orElseThrow().sealed(), stackId, token));
      }
      if (!moved) {
        throw new InvalidState(
            "Stack:"
                + stackId
                + " is in "
                + now.status()
                + " state (expected: UPDATE_ROLLBACK_FAILED, to go on with the rollback)",
            null);
      }
    }
    run(stackId);
    return shown(dao.find(stackId).orElseThrow());
  }

  /** The secrets with another session token, where there is one among them. */
  private String resealed(String sealed, String stackId, String token) {
    Map<String, String> secret = new TreeMap<>(StackDao.texts(seal.open(sealed, stackId)));
    secret.computeIfPresent(SESSION_TOKEN, (key, value) -> token);
    return seal.seal(Json.write(secret), stackId);
  }

  /** Brings what is sealed to the current key; how many were not. */
  public int reseal() {
    int old = 0;
    for (StackDao.Sealed each : dao.sealed()) {
      if (!seal.isCurrent(each.text())) {
        dao.replace(each, seal.reseal(each.text(), each.stackId()));
        old++;
      }
    }
    return old;
  }

  private static String freshName() {
    byte[] random = new byte[3];
    RANDOM.nextBytes(random);
    return "databricks-workspace-stack-" + HexFormat.of().formatHex(random).substring(1);
  }

  /** The form of a new stack, and the graph of what it will consist of. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/templates/quickstart")
  public TemplateSummary summary(Caller caller, AllStacks request) {
    Template template = Template.parse(handlers.template());
    String name = freshName();
    Map<String, String> known = new HashMap<>();
    template.parameters().values().stream()
        .filter(p -> p.defaultValue() != null)
        .forEach(p -> known.put(p.name(), p.defaultValue()));
    known.putAll(own());
    return summary(template, name, arns.stack(name, UUID.randomUUID().toString()), known);
  }

  /** The same of a stack that there is: its own template, with the values it was given. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/{name}/template")
  public TemplateSummary template(Caller caller, Named request) {
    StackRow stack = find(request.name());
    Template template = Template.parse(stack.template());
    Map<String, String> known = new HashMap<>(own());
    known.putAll(stack.parameters());
    return summary(template, stack.stackName(), stack.stackId(), known);
  }

  private TemplateSummary summary(
      Template template, String stackName, String stackId, Map<String, String> known) {
    Map<String, String> parameters = new HashMap<>(known);
    // No condition can be decided without a value; one that people have yet to give decides none.
    template.parameters().keySet().forEach(key -> parameters.putIfAbsent(key, ""));
    Set<String> supplied = new TreeSet<>(own().keySet());
    supplied.add(SESSION_TOKEN);
    return TemplateSummary.of(
        template,
        QUICKSTART,
        stackName,
        arns.region(),
        known::get,
        supplied,
        new Scope(template, parameters, pseudo(stackId, stackName)).included());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks")
  public StackList list(Caller caller, ListStacks request) {
    if (request.count() == null) {
      List<StackRow> all = dao.list();
      return new StackList(all.stream().map(Stacks::shown).toList(), (long) all.size());
    }
    Slice<Stack> page =
        dao.page(new Slice.Wanted(request.filter(), request.startIndex(), request.count()))
            .map(Stacks::shown);
    return new StackList(page.rows(), page.total());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/{name}")
  public Stack get(Caller caller, Named request) {
    return shown(find(request.name()));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/{name}/events")
  public EventList events(Caller caller, Named request) {
    StackRow stack = find(request.name());
    return new EventList(
        dao.events(stack.stackId()).stream()
            .map(
                row ->
                    new Event(
                        row.eventId(),
                        stack.stackId(),
                        stack.stackName(),
                        row.logicalId(),
                        row.physicalId(),
                        row.type(),
                        row.status(),
                        row.statusReason().isEmpty() ? null : row.statusReason(),
                        time(row.createdAt())))
            .toList());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/{name}/resources")
  public ResourceList resources(Caller caller, Named request) {
    StackRow stack = find(request.name());
    Template template = Template.parse(stack.template());
    return new ResourceList(
        dao.resources(stack.stackId()).stream()
            .filter(row -> !row.status().equals(StackDao.PENDING))
            .map(
                row ->
                    new Resource(
                        stack.stackId(),
                        stack.stackName(),
                        row.logicalId(),
                        row.physicalId(),
                        row.type(),
                        row.status(),
                        row.statusReason().isEmpty() ? null : row.statusReason(),
                        time(row.updatedAt()),
                        template.resources().containsKey(row.logicalId())
                            ? TemplateSummary.uses(
                                template, template.resources().get(row.logicalId()))
                            : List.of()))
            .toList());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/{name}/outputs")
  public OutputList outputs(Caller caller, Named request) {
    return new OutputList(shown(find(request.name())).outputs());
  }

  /**
   * @param parameters what to give to the template, beside the workspace's name
   * @param quickCreateUrl where AWS's console makes the stack, when the template is at a URL; the
   *     token is not in it
   */
  record ForeignSession(
      @JsonProperty("StackName") String stackName,
      @JsonProperty("Parameters") Map<String, String> parameters,
      @JsonProperty("ExpirationTime") String expirationTime,
      @JsonProperty("QuickCreateUrl") @JsonInclude(JsonInclude.Include.NON_NULL)
          String quickCreateUrl) {}

  record NewSession(
      String accountId,
      @JsonProperty("StackName") String stackName,
      @JsonProperty("WorkspaceName") String workspaceName,
      @JsonProperty("TemplateUrl") String templateUrl) {}

  /** What a stack needs that is made, or updated, by the CloudFormation of an AWS. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("POST /api/2.0/accounts/{account_id}/stacks/sessions")
  public ForeignSession session(Caller caller, NewSession request) {
    String name =
        request.stackName() == null || request.stackName().isEmpty()
            ? freshName()
            : request.stackName();
    Map<String, String> parameters = new TreeMap<>(own());
    if (request.workspaceName() != null) {
      parameters.put("WorkspaceName", request.workspaceName());
    }
    String link = null;
    if (request.templateUrl() != null) {
      StringBuilder url =
          new StringBuilder("https://")
              .append(arns.region())
              .append(".console.aws.amazon.com/cloudformation/home?region=")
              .append(arns.region())
              .append("#/stacks/quickcreate?templateURL=")
              .append(encoded(request.templateUrl()))
              .append("&stackName=")
              .append(encoded(name));
      parameters.forEach(
          (key, value) ->
              url.append("&param_").append(encoded(key)).append('=').append(encoded(value)));
      link = url.toString();
    }
    var minted = sessions.mintUnbound(caller);
    parameters.put(SESSION_TOKEN, minted.token());
    return new ForeignSession(name, parameters, time(minted.expiresAt()), link);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** What of the stack is no longer as its template says; nothing is changed. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/stacks/{name}/drift")
  public Drift.StackDrift drift(Caller caller, Named request) {
    StackRow stack = find(request.name());
    Template template = Template.parse(stack.template());
    Map<String, StackDao.ResourceRow> rows = new HashMap<>();
    dao.resources(stack.stackId()).forEach(row -> rows.put(row.logicalId(), row));
    return Drift.of(
        stack.stackId(),
        new StackView(template, scope(stack, template, stack.parameters(), stack.sealed()), rows),
        new StackSteps(dao, typesOf(template), stack, text -> text, this::isClosing));
  }

  /** A stack that is protected is not deleted before its protection is taken away. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("PUT /api/2.0/accounts/{account_id}/stacks/{name}/termination-protection")
  public Stack protect(Caller caller, Protection request) {
    StackRow stack = find(request.name());
    if (request.enabled() == null) {
      throw Template.invalid("EnableTerminationProtection: '' (expected: true or false)");
    }
    dao.protect(stack.stackId(), request.enabled());
    return shown(dao.find(stack.stackId()).orElseThrow());
  }

  /** Starts the deletion, also in the middle of a creation; returns the stack as it then is. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("DELETE /api/2.0/accounts/{account_id}/stacks/{name}")
  public Stack delete(Caller caller, DeleteStack request) {
    String stackId = find(request.name()).stackId();
    String deletion = "stack-deletion/" + stackId;
    List<String> retained = request.retained() == null ? List.of() : request.retained();
    synchronized (runs) {
      // One at a time, because each token makes the one before void.
      boolean first = leases.take(deletion);
      StackRow stack = dao.find(stackId).orElseThrow();
      String status = stack.status();
      requireDeletable(stack, retained);
      if (first && !status.equals("DELETE_IN_PROGRESS")) {
        // Who deletes answers for it, so that a stack outlives the person who made it.
        String sealed = stack.sealed();
        String sealedOther = dao.update(stackId).map(StackDao.UpdateRow::sealed).orElse(null);
        if (!status.equals("ROLLBACK_IN_PROGRESS")
            && StackDao.texts(seal.open(sealed, stackId)).containsKey(SESSION_TOKEN)) {
          String token = sessions.mint(caller, stackId);
          sealed = resealed(sealed, stackId, token);
          sealedOther = sealedOther == null ? null : resealed(sealedOther, stackId, token);
        }
        dao.requestDelete(
            stackId, sealed, sealedOther, retained, Boolean.TRUE.equals(request.emptyBuckets()));
      }
      leases.give(deletion);
    }
    run(stackId);
    return shown(dao.find(stackId).orElseThrow());
  }

  private void requireDeletable(StackRow stack, List<String> retained) {
    if (stack.terminationProtection()) {
      throw new InvalidState(
          "Stack ["
              + stack.stackName()
              + "] cannot be deleted while TerminationProtection is enabled",
          null);
    }
    if (stack.status().startsWith("UPDATE_") && stack.status().endsWith("_IN_PROGRESS")) {
      throw new InvalidState(
          "Stack ["
              + stack.stackName()
              + "] cannot be deleted while in status "
              + stack.status()
              + " (expected: the update to be over)",
          null);
    }
    if (!retained.isEmpty() && !stack.status().equals("DELETE_FAILED")) {
      throw Template.invalid(
          "RetainResources: the stack is in status "
              + stack.status()
              + " (expected: DELETE_FAILED; what can be deleted is not retained)");
    }
    for (String id : retained) {
      if (dao.resources(stack.stackId()).stream()
          .noneMatch(row -> row.logicalId().equals(id) && row.status().equals("DELETE_FAILED"))) {
        throw Template.invalid(
            "RetainResources: '"
                + Template.shortened(id)
                + "' (expected: a resource in DELETE_FAILED)");
      }
    }
  }

  /** Takes the answer of a function: once, from whoever has the token. */
  @Allow(Role.ANYONE)
  @Operation("PUT /api/2.0/tarn/stack-answers/{token}")
  public Map<String, String> answer(Caller caller, FunctionAnswer answer) {
    if (!"SUCCESS".equals(answer.status()) && !"FAILED".equals(answer.status())) {
      throw Template.invalid("Status: '" + answer.status() + "' (expected: SUCCESS or FAILED)");
    }
    Map<String, Object> kept = new LinkedHashMap<>();
    kept.put("Status", answer.status());
    kept.put("Reason", answer.reason() == null ? "" : answer.reason());
    kept.put("PhysicalResourceId", answer.physicalId() == null ? "" : answer.physicalId());
    kept.put("Data", answer.data() == null ? Map.of() : answer.data());
    String json = Json.write(kept);
    if (json.length() > CustomResources.LONGEST_ANSWER) {
      throw Template.invalid(
          "the answer has "
              + json.length()
              + " characters (expected: at most "
              + CustomResources.LONGEST_ANSWER
              + ")");
    }
    if (!dao.answer(
        CustomResources.hash(answer.token()),
        answer.stackId(),
        answer.requestId(),
        answer.logicalId(),
        json)) {
      throw new PermissionDenied("nobody waits for this answer", null);
    }
    return Map.of();
  }

  /**
   * Leaves everything as it is, for {@link #resume}. To be called while the server still answers: a
   * handler that cannot reach it any more reports a failure.
   */
  @Override
  public void close() {
    List<Thread> running;
    synchronized (runs) {
      closing.countDown();
      running = List.copyOf(runs.values());
    }
    // No interrupts: the runs wait for their functions, and these end here.
    functions.close();
    for (Thread thread : running) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** One thread a stack: whoever finds none starts one, and it looks once more before it ends. */
  private void run(String stackId) {
    synchronized (runs) {
      if (!isClosing() && !runs.containsKey(stackId)) {
        runs.put(
            stackId, Thread.ofVirtual().name("stack " + stackId).start(() -> runToEnd(stackId)));
      }
    }
  }

  private void runToEnd(String stackId) {
    try {
      while (!isClosing()) {
        try {
          if (!leases.take(StackDao.lease(stackId))) {
            return; // Another control plane is at it, and looks at the row as we would.
          }
          runOf(dao.find(stackId).orElseThrow()).run();
          functions.stop(stackId);
          leases.give(StackDao.lease(stackId));
          synchronized (runs) {
            if (!dao.find(stackId).orElseThrow().status().endsWith("_IN_PROGRESS")) {
              runs.remove(stackId);
              return;
            }
          }
        } catch (RuntimeException e) {
          // The database, most likely: a full disk. The rows say where to go on.
          LOG.error("the run of {} broke off; it goes on in {}", stackId, AGAIN, e);
          functions.stop(stackId);
          closing.await(AGAIN.toSeconds(), TimeUnit.SECONDS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      functions.stop(stackId);
      synchronized (runs) {
        runs.remove(stackId, Thread.currentThread());
      }
    }
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private StackRun runOf(StackRow stack) {
    String stackId = stack.stackId();
    Template template = Template.parse(stack.template());
    Map<String, String> secret = new HashMap<>(StackDao.texts(seal.open(stack.sealed(), stackId)));
    Map<String, ResourceType> byType = new HashMap<>(typesOf(template));
    StackRun.Other other = null;
    StackDao.UpdateRow update = dao.update(stackId).orElse(null);
    if (update != null) {
      Template otherTemplate = Template.parse(update.template());
      byType.putAll(typesOf(otherTemplate));
      StackDao.texts(seal.open(update.sealed(), stackId))
          .forEach((key, value) -> secret.put("other " + key, value));
      other =
          new StackRun.Other(
              update.updateId(),
              otherTemplate,
              scope(stack, otherTemplate, update.parameters(), update.sealed()));
    }
    UnaryOperator<String> masked =
        text -> {
          String result = text;
          for (String value : secret.values()) {
            result = value.length() < 4 ? result : result.replace(value, "****");
          }
          return result;
        };
    return new StackRun(
        dao,
        new StackSteps(dao, byType, stack, masked, this::isClosing),
        new Crew(stackId, this::isClosing),
        stackId,
        template,
        scope(stack, template, stack.parameters(), stack.sealed()),
        other,
        masked,
        () -> sessions.close(stackId));
  }

  private Scope scope(StackRow stack, Template template, Map<String, String> shown, String sealed) {
    return new Scope(
        template,
        withOwnUrl(template, values(shown, sealed, stack.stackId())),
        pseudo(stack.stackId(), stack.stackName()));
  }

  /** All values of parameters in clear, the account API's address only if it was given. */
  private Map<String, String> values(Map<String, String> shown, String sealed, String stackId) {
    Map<String, String> parameters = new HashMap<>(shown);
    parameters.putAll(StackDao.texts(seal.open(sealed, stackId)));
    return parameters;
  }

  /** Our address is not kept unless it was given: after a restart the server may be elsewhere. */
  private Map<String, String> withOwnUrl(Template template, Map<String, String> values) {
    Map<String, String> parameters = new HashMap<>(values);
    if (template.parameters().containsKey(ACCOUNT_API_URL)) {
      parameters.putIfAbsent(ACCOUNT_API_URL, ownUrl.get());
    }
    return parameters;
  }

  private Map<String, ResourceType> typesOf(Template template) {
    Map<String, ResourceType> byType = new HashMap<>();
    template.resources().values().stream()
        .filter(resource -> typeOf(resource.type()) != null)
        .forEach(resource -> byType.put(resource.type(), typeOf(resource.type())));
    return byType;
  }

  private Map<String, String> parameters(Template template, Map<String, String> given) {
    for (String name : given.keySet()) {
      if (!template.parameters().containsKey(name)) {
        throw Template.invalid(
            "Parameters: ["
                + Template.shortened(name)
                + "] do not exist in the template (expected: "
                + new TreeSet<>(template.parameters().keySet())
                + ")");
      }
    }
    Map<String, String> own = own();
    Map<String, String> parameters = new HashMap<>();
    for (Template.Parameter parameter : template.parameters().values()) {
      String value =
          given.getOrDefault(
              parameter.name(), own.getOrDefault(parameter.name(), parameter.defaultValue()));
      if (value != null) {
        parameters.put(parameter.name(), parameter.checked(value));
      } else if (!parameter.name().equals(SESSION_TOKEN)) {
        throw Template.invalid("Parameters: [" + parameter.name() + "] must have values");
      }
    }
    return parameters;
  }

  /** Parameters that only this installation can know, unless they are given. */
  private Map<String, String> own() {
    return Map.of("AccountId", accountId.get(), ACCOUNT_API_URL, ownUrl.get());
  }

  private Map<String, String> pseudo(String stackId, String stackName) {
    return Map.of(
        "AWS::AccountId",
        arns.awsAccountId(),
        "AWS::Partition",
        "aws",
        "AWS::Region",
        arns.region(),
        "AWS::StackId",
        stackId,
        "AWS::StackName",
        stackName,
        "AWS::URLSuffix",
        "amazonaws.com");
  }

  /** The type of each resource of the stack, all of which can be carried out as they stand. */
  private Map<String, String> checkedTypes(Template template, Scope scope) {
    Map<String, String> typeOf = new LinkedHashMap<>();
    for (String id : scope.included()) {
      Template.Resource resource = template.resources().get(id);
      ResourceType type = typeOf(resource.type());
      if (type == null) {
        throw Template.invalid(
            "Resource type "
                + resource.type()
                + " of "
                + id
                + " is not supported by the embedded runner (expected: one of "
                + new TreeSet<>(types.keySet())
                + ")");
      }
      Map<String, Object> raw = Template.map(resource.properties(), "Properties of " + id);
      Set<String> known = type.properties();
      for (String property : raw.keySet()) {
        if (!known.isEmpty() && !known.contains(property)) {
          throw Template.invalid(
              "Property "
                  + property
                  + " of "
                  + id
                  + " is not supported by the embedded runner (expected: one of "
                  + new TreeSet<>(known)
                  + ")");
        }
      }
      type.check(id, raw);
      typeOf.put(id, resource.type());
    }
    return typeOf;
  }

  private ResourceType typeOf(String type) {
    return types.get(type.startsWith(CustomResources.PREFIX) ? CustomResources.PREFIX : type);
  }

  private StackRow find(String name) {
    return dao.find(name)
        .orElseThrow(
            () ->
                new ResourceDoesNotExist(
                    "Stack with id " + Template.shortened(name) + " does not exist", null));
  }

  private static Stack shown(StackRow row) {
    return new Stack(
        row.stackId(),
        row.stackName(),
        row.status(),
        row.statusReason(),
        time(row.createdAt()),
        row.updatedAt() == null ? null : time(row.updatedAt()),
        row.terminationProtection(),
        new TreeMap<>(row.parameters())
            .entrySet().stream().map(e -> new Parameter(e.getKey(), e.getValue())).toList(),
        new TreeMap<>(row.outputs())
            .entrySet().stream().map(e -> new Output(e.getKey(), e.getValue())).toList());
  }

  private static String time(long millis) {
    return Instant.ofEpochMilli(millis).toString();
  }
}
