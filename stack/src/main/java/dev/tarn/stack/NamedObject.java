package dev.tarn.stack;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

/**
 * An immutable object of the account that has a UUID and a unique name: credentials, storage
 * configurations, networks. A change makes another one; CloudFormation then deletes the former.
 */
abstract class NamedObject extends CustomResource {
  private static final String UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

  private final String collection;
  private final String idField;
  private final String nameField;
  private final String nameProperty;

  NamedObject(
      Patience patience, String collection, String idField, String nameField, String nameProperty) {
    super(patience);
    this.collection = collection;
    this.idField = idField;
    this.nameField = nameField;
    this.nameProperty = nameProperty;
  }

  /** The request that makes it. */
  abstract Map<String, Object> body(Event event, String name);

  /** Whether an object of the right name was made from these properties. */
  abstract boolean sameContent(Event event, Map<String, Object> object);

  /** Whether an Update asks for another content. */
  abstract boolean contentChanged(Event event);

  /** The name that the account knows an object by. */
  String nameOf(Map<String, Object> object) {
    return text(object, nameField);
  }

  /** Whether the account refuses a second of the same name; else it is looked for before. */
  boolean isUnique() {
    return true;
  }

  /** A name for an object beside the one that still has the name. */
  String besides(String name, String suffix) {
    return name + "-" + suffix;
  }

  abstract Map<String, String> attributes(Event event, Map<String, Object> object);

  @Override
  final Made create(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException {
    return make(event, api, event.required(nameProperty), madeSoFar);
  }

  @Override
  final Made update(Event event, AccountApi api, AtomicReference<String> madeSoFar)
      throws InterruptedException {
    if (event.changed(nameProperty)) {
      return make(event, api, event.required(nameProperty), madeSoFar);
    }
    if (contentChanged(event)) {
      // The former still has the name, and goes only after this one is there. From the request id,
      // so that a repeated request makes the same.
      String suffix = event.requestId().substring(0, Math.min(8, event.requestId().length()));
      return make(event, api, besides(event.required(nameProperty), suffix), madeSoFar);
    }
    Map<String, Object> object = api.get(collection + "/" + event.physicalId());
    return new Made(event.physicalId(), attributes(event, object));
  }

  @Override
  final boolean isId(String physicalId) {
    return physicalId.matches(UUID);
  }

  @Override
  final Optional<String> lost(Event event, AccountApi api) throws InterruptedException {
    return api.find(collection, mine(event, event.required(nameProperty)))
        .map(object -> text(object, idField));
  }

  @Override
  final void delete(String id, AccountApi api) throws InterruptedException {
    api.delete(collection + "/" + id);
  }

  private Made make(Event event, AccountApi api, String name, AtomicReference<String> madeSoFar)
      throws InterruptedException {
    Optional<Map<String, Object>> made =
        isUnique() ? Optional.empty() : api.find(collection, mine(event, name));
    if (made.isPresent()) {
      madeSoFar.set(text(made.get(), idField));
      return new Made(text(made.get(), idField), attributes(event, made.get()));
    }
    Map<String, Object> object =
        api.create(collection, new LinkedHashMap<>(body(event, name)), mine(event, name));
    String id = text(object, idField);
    madeSoFar.set(id);
    return new Made(id, attributes(event, object));
  }

  private Predicate<Map<String, Object>> mine(Event event, String name) {
    return object -> nameOf(object).equals(name) && sameContent(event, object);
  }
}
