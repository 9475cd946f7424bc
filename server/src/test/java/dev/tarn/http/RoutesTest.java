package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.service.iam.AccountUsersService;
import com.databricks.sdk.service.iam.AccountUsersV2Service;
import com.databricks.sdk.service.iam.CurrentUserService;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.postgres.Branch;
import com.databricks.sdk.service.postgres.GetBranchRequest;
import com.databricks.sdk.service.postgres.GetProjectRequest;
import com.databricks.sdk.service.postgres.PostgresService;
import com.databricks.sdk.service.postgres.Project;
import com.databricks.sdk.service.provisioning.Credential;
import com.databricks.sdk.service.provisioning.CredentialsService;
import com.databricks.sdk.service.provisioning.GetCredentialRequest;
import com.databricks.sdk.service.sql.GetWarehouseRequest;
import com.databricks.sdk.service.sql.GetWarehouseResponse;
import com.databricks.sdk.service.sql.WarehousesService;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database-blind") // see CONTRIBUTING
class RoutesTest {
  private final Routes routes = new Routes();

  public static final class WithoutAllow {
    public Credential get(Caller caller, GetCredentialRequest request) {
      return new Credential();
    }
  }

  public static final class WithoutOperation {
    @Allow(Role.ACCOUNT_ADMIN)
    public Credential fetch(Caller caller, GetCredentialRequest request) {
      return new Credential();
    }
  }

  public static final class OfOtherRequest {
    @Allow(Role.ACCOUNT_ADMIN)
    public Credential get(Caller caller, GetWarehouseRequest request) {
      return new Credential();
    }
  }

  public static final class Good {
    @Allow(Role.ACCOUNT_ADMIN)
    public Credential get(Caller caller, GetCredentialRequest request) {
      return new Credential();
    }
  }

  public static final class IgnoresNothingThere {
    @Allow(Role.ACCOUNT_ADMIN)
    @Ignores("no_such_field: it is not there")
    public Credential get(Caller caller, GetCredentialRequest request) {
      return new Credential();
    }
  }

  public static final class Twin {
    @Allow(Role.ACCOUNT_ADMIN)
    public User get(Caller caller, com.databricks.sdk.service.iam.GetAccountUserRequest request) {
      return new User();
    }
  }

  public static final class Warehouses {
    @Allow(Role.WORKSPACE_USER)
    public GetWarehouseResponse get(Caller caller, GetWarehouseRequest request) {
      return new GetWarehouseResponse();
    }
  }

  public static final class Postgres {
    @Allow(Role.WORKSPACE_USER)
    public Project getProject(Caller caller, GetProjectRequest request) {
      return new Project();
    }

    @Allow(Role.WORKSPACE_USER)
    public Branch getBranch(Caller caller, GetBranchRequest request) {
      return new Branch();
    }
  }

  public static final class Me {
    @Allow(Role.WORKSPACE_USER)
    public User me(Caller caller, com.databricks.sdk.service.iam.MeRequest request) {
      return new User();
    }
  }

  public record Primitive(int number) {}

  public static final class OfPrimitive {
    @Allow(Role.ANYONE)
    @Operation("GET /own")
    public void get(Caller caller, Primitive request) {}
  }

  @Test
  void aMethodThatDoesNotSayWhoMayCallItIsNotMounted() {
    assertThatThrownBy(() -> routes.mount(CredentialsService.class, new WithoutAllow()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("GET /api/2.0/accounts/{account_id}/credentials/{credentials_id}")
        .hasMessageContaining("who may call it?");
  }

  @Test
  void aMethodThatIsNoOperationStopsTheStart() {
    for (Object service : new Object[] {new WithoutOperation(), new OfOtherRequest()}) {
      Routes own = new Routes();
      own.mount(CredentialsService.class, service);
      assertThatThrownBy(own::complete)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("has @Allow, but no operation");
    }
  }

  @Test
  void twoMethodsForOneRouteStopTheStart() {
    routes.mount(CredentialsService.class, new Good());
    assertThatThrownBy(() -> routes.mount(CredentialsService.class, new Good()))
        .hasMessageContaining("two methods answer");
  }

  @Test
  void whatIsSaidToBeIgnoredMustBeAField() {
    assertThatThrownBy(() -> routes.mount(CredentialsService.class, new IgnoresNothingThere()))
        .hasMessageContaining("no_such_field");
  }

  @Test
  void aRequestThatCannotBeAbsentIsRefused() {
    assertThatThrownBy(() -> routes.mountOwn(new OfPrimitive()))
        .hasMessageContaining("expected: the boxed type");
  }

  @Test
  void aTwinOfTheSameRouteIsBuiltWithIt() {
    routes.mount(AccountUsersService.class, new Twin());
    routes.complete();
    String twin =
        routes.operations().stream()
            .filter(operation -> operation.service().equals(AccountUsersV2Service.class.getName()))
            .filter(operation -> operation.method().equals("get"))
            .findFirst()
            .orElseThrow()
            .path();
    assertThat(routes.find("GET", twin.replaceAll("\\{[^}]*}", "1"))).isNotNull();
    assertThat(Coverage.page(routes)).contains("2 of 1221 operations");
  }

  @Test
  void aResourceNameLeadsToTheOperationOfItsCollection() {
    routes.mount(PostgresService.class, new Postgres());
    routes.complete();
    assertThat(method("/api/2.0/postgres/projects/a")).isEqualTo("getProject");
    assertThat(method("/api/2.0/postgres/projects/a/branches/b")).isEqualTo("getBranch");
    assertThat(routes.find("GET", "/api/2.0/postgres/projects/a/branches/b").variables())
        .isEqualTo(Map.of("name", "projects/a/branches/b"));
    assertThat(routes.find("GET", "/api/2.0/postgres/projects/a/endpoints/b")).isNull();
  }

  private String method(String path) {
    return routes.find("GET", path).route().method().getName();
  }

  @Test
  void slashesAtTheEndAndOlderPathsLeadToTheSameOperation() {
    routes.mount(CurrentUserService.class, new Me());
    routes.complete();
    for (String path :
        new String[] {
          "/api/2.0/preview/scim/v2/Me", "/api/2.0/preview/scim/v2/Me/", "/api/2.0/scim/v2/Me"
        }) {
      assertThat(method(path)).isEqualTo("me");
    }
    assertThat(routes.find("GET", "/api/2.0/preview/scim/v2/me")).isNull();
  }

  @Test
  void anOperationThatIsNotBuiltIsNotTakenForAnId() {
    routes.mount(WarehousesService.class, new Warehouses());
    routes.complete();
    assertThat(method("/api/2.0/sql/warehouses/abc")).isEqualTo("get");
    for (SdkOperation operation : routes.operations()) {
      if (!operation.name().equals("sql.Warehouses.get")) {
        String path = operation.path().replaceAll("\\{[^}]*}", "1").replace("files1", "files/1");
        assertThat(routes.find(operation.verb(), path)).as(operation.toString()).isNull();
      }
    }
  }

  @Test
  void variablesAreDecodedOnceAndAPlusIsAPlus() {
    routes.mount(WarehousesService.class, new Warehouses());
    routes.complete();
    assertThat(routes.find("GET", "/api/2.0/sql/warehouses/a%2Fb+c%2520%F0%9F%8F%94").variables())
        .isEqualTo(Map.of("id", "a/b+c%20🏔"));
  }
}
