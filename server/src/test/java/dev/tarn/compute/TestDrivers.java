package dev.tarn.compute;

import dev.tarn.compute.ClusterDao.Row;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;

/** Engines of clusters without Spark: each start waits for a permit. */
final class TestDrivers implements Clusters.Drivers {
  final Semaphore mayStart = new Semaphore(1_000);
  final Map<String, String> up = new ConcurrentHashMap<>();
  final List<Row> started = new CopyOnWriteArrayList<>();
  volatile String startFailure;
  volatile String lost;

  @Override
  public String start(Row cluster) {
    mayStart.acquireUninterruptibly();
    if (startFailure != null) {
      throw new IllegalStateException(startFailure);
    }
    started.add(cluster);
    return up.computeIfAbsent(cluster.id(), id -> "engine-" + started.size());
  }

  @Override
  public Optional<String> running(String clusterId) {
    return Optional.ofNullable(up.get(clusterId));
  }

  @Override
  public String lost(String clusterId) {
    return lost;
  }

  @Override
  public void stopOne(String engineId, String reason) {
    up.values().remove(engineId);
  }

  @Override
  public void stop(String clusterId, String reason) {
    up.remove(clusterId);
  }
}
