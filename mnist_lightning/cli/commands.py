"""The commands of the program: what the help says of each, its examples and own options."""

TRAINER_COMMANDS = ("fit", "validate", "test", "predict")
TOOLS = {  # modules of the commands that need no trainer
    "draw": "handwriting.draw",
    "export": "export.export",
    "import-keras": "export.keras",
    "export-keras": "export.keras",
}
SUMMARIES = {
    "fit": "Train the network, and write curves, figures and a report into a folder of the run.",
    "validate": "Score the newest run, or another checkpoint, on its validation images.",
    "test": "Score the newest run, or another checkpoint, on the test images.",
    "predict": "Read the digits in your own pictures, or in the test images.",
    "draw": "Open a page to draw a digit on, read while you draw.",
    "export": "Write the network as ONNX, PT2 or safetensors, and compare its predictions.",
    "import-keras": "Convert a Keras model to a checkpoint that test and predict take.",
    "export-keras": "Convert a checkpoint to a Keras model.",
}
SYNONYMS = {
    "train": "fit",
    "training": "fit",
    "run": "fit",
    "eval": "test",
    "evaluate": "test",
    "score": "test",
    "val": "validate",
    "classify": "predict",
    "read": "predict",
    "serve": "draw",
    "convert": "export",
    "onnx": "export",
}
EXAMPLES = {
    "": ("fit --trainer.max_epochs 5", "predict seven.png", "draw"),
    "fit": (
        "fit --trainer.max_epochs 5",
        "fit --data.dataset fashion_mnist --data.val_size 5000",
        "fit --ckpt_path last --trainer.max_epochs 10",
    ),
    "validate": ("validate", "validate --ckpt_path best", "validate --data.batch_size 256"),
    "test": ("test", "test --ckpt_path best", "test --ckpt_path pretrained"),
    "predict": (
        "predict seven.png photos/",
        "predict photos/ --data.recursive true --data.save_inputs true",
        "predict --ckpt_path last",
    ),
    "draw": ("draw", "draw --ckpt_path last", "draw --port 0 --browser false"),
    "export": (
        "export --output model.onnx",
        "export --output model.safetensors --ckpt_path best",
        "export --output model.pt2 --input float32 --softmax false",
    ),
    "import-keras": ("import-keras model.keras model.ckpt",),
    "export-keras": ("export-keras pretrained model.keras", "export-keras last model.keras"),
}
RECIPES = {
    "configs/smoke.yaml": "Seconds, without MNIST: does everything work here?",
    "configs/fast.yaml": "99 % of the test images after one epoch.",
    "configs/accurate.yaml": "99.5 % after 5 epochs, more after 15.",
    "configs/keras_original.yaml": "The original's 61 million parameters.",
}
CHECKPOINT = (
    "Checkpoint; last or best of the newest run; or pretrained, the network that comes with the "
    "package. By default the newest run's best, or else its last, or else pretrained."
)
DATA = {
    "data.dataset": "mnist, fashion_mnist, kmnist, qmnist, emnist, or a folder of IDX files.",
    "data.source": "mnist, or synthetic for generated digits; auto takes these offline.",
    "data.mirror": "Folder of the packed files, as http, https or file URL.",
    "data.data_dir": "Folder of the images' files.",
    "data.batch_size": "Images in a batch on each device.",
}
TRAINER = {
    "trainer.accelerator": "cpu, gpu, mps, or auto for what is there.",
    "trainer.devices": "Number of devices or processes to share the work.",
}
OPTIONS = {
    "fit": {
        "config": "YAML file of options, such as a recipe below; may be given more than once.",
        "trainer.max_epochs": "Epochs to train.",
        "seed_everything": "Seed of the weights, of the images' order and of all that is random.",
        "ckpt_path": "Checkpoint to go on from: a path, or last for the newest run's.",
        **DATA,
        "data.val_size": "Training images held out to validate; with 0 the test images do.",
        "data.shift": "Pixels by which training images move at random.",
        "model.lr": "Learning rate of Adam.",
        "model.schedule": "constant, or one_cycle for a rate that rises and falls.",
        "model.conv_channels": "Output channels of each convolution.",
        "model.hidden_dims": "Width of each hidden Dense layer.",
        "model.batch_norm": "Normalise over the batch before each ReLU.",
        "model.dropout": "Share of each Dense layer's inputs that training sets to 0.",
        "trainer.precision": "32-true, bf16-mixed and the like.",
        **TRAINER,
        "trainer.logger": "Class of another logger, or false for none.",
        "checkpoint.every_n_train_steps": "Save within the epoch, too.",
    },
    "validate": {"ckpt_path": CHECKPOINT, **DATA, **TRAINER},
    "test": {"ckpt_path": CHECKPOINT, **DATA, **TRAINER},
    "predict": {
        "data.predict_path": "PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC file with a digit, or a "
        "folder of such; PICTURES are the same. Folders in it that are named 0 to 9 label their "
        "pictures, and a CSV file with the columns file and label those it names: they are scored.",
        "data.recursive": "Read the other folders in a folder, too.",
        "data.save_inputs": "Keep what the network saw, and show it beside the pictures.",
        "ckpt_path": f"{CHECKPOINT} A run on generated digits reads pictures only if it is named.",
        **DATA,
    },
}
