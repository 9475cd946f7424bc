package dev.tarn.spark;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.connect.service.SparkListenerConnectOperationCanceled;
import org.apache.spark.sql.connect.service.SparkListenerConnectOperationFailed;

/**
 * Ends jobs of operations that have ended. Spark cancels the jobs an operation has at the moment it
 * is interrupted; adaptive execution may submit a stage on another thread just after, and that one
 * would hold the cores for as long as it likes. Whichever of the two events comes first here, the
 * other finds it.
 */
final class LateJobs extends SparkListener {
  private static final String REASON = "its operation has ended";
  private static final int REMEMBERED = 1000;

  private final SparkContext context;
  private final Set<String> ended =
      Collections.newSetFromMap(
          new LinkedHashMap<>() {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
              return size() > REMEMBERED;
            }
          });

  LateJobs(SparkContext context) {
    this.context = context;
  }

  @Override
  public void onOtherEvent(SparkListenerEvent event) {
    if (event instanceof SparkListenerConnectOperationCanceled canceled) {
      end(canceled.jobTag());
    } else if (event instanceof SparkListenerConnectOperationFailed failed) {
      end(failed.jobTag());
    }
  }

  private void end(String tag) {
    ended.add(tag);
    context.cancelJobsWithTag(tag, REASON);
  }

  @Override
  public void onJobStart(SparkListenerJobStart job) {
    Properties properties = job.properties();
    String tags = properties == null ? null : properties.getProperty("spark.job.tags");
    if (tags != null) {
      for (String tag : tags.split(",", -1)) {
        if (ended.contains(tag)) {
          context.cancelJob(job.jobId(), REASON);
        }
      }
    }
  }
}
