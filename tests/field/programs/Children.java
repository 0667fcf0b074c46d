import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A JVM with all its threads, and a pool of its own, from which programs are started. */
public class Children {
    static String run(int n) throws Exception {
        Process process = new ProcessBuilder("sh", "-c", "seq " + n + " 2000 | tail -1; exit " + n).start();
        String output = new String(process.getInputStream().readAllBytes()).trim();
        return output + " " + process.waitFor();
    }

    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<String>> results = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            int n = i;
            results.add(pool.submit(() -> run(n)));
        }
        for (Future<String> result : results)
            System.out.println(result.get());
        pool.shutdown();
        System.exit(5);
    }
}
