"""Sentences of the core, with places for what they are about.

Made by scripts/slicer_words.py; do not edit.
"""

from .sentences import translated
from .words import _ as to_user


def core_sentence(text):
    """A sentence of the core in the user's language."""
    return translated(text, lambda one: to_user(one), SENTENCES)


def _(text):
    """Marks a text for those who translate, and leaves it as it is."""
    return text


SENTENCES = (
    _(
        "'{name}' cannot be a model's name; use small letters, digits, '-', '.' and '_', a letter or "
        "digit first."
    ),
    _(
        "'{wanted}' cannot be a model's name; use small letters, digits, '-', '.' and '_', a letter or "
        "digit first."
    ),
    _("A and B differ in size; choose two volumes of the same grid."),
    _("A blind spot of radius {radius} needs a dilation of {radius_2} or more."),
    _("A dose fraction needs the scan's own noise, which could not be estimated; give Noise instead."),
    _('A line that is no order came: each is a JSON object with "job" and "id".'),
    _("A process of node {node} ended unexpectedly (code {codes}); see the first node."),
    _("A region's mask has three axes (z, y, x); draw the region again."),
    _("A volume has three axes (z, y, x), this array has {ndim}."),
    _("An image of {shape} pixels of {spacing_mm} mm cannot be projected."),
    _("Before {shape} and after {shape_2} are not two volumes of one size; choose two that are."),
    _("Before {shape} and after {shape_2} differ in shape; choose two of one size."),
    _("Degradation time is {delta} but must be 0 or more; 0 leaves the volume as it is."),
    _("Denoising was cancelled."),
    _("Dose fraction is for CT; for MR give Signal-to-noise ratio, Degradation time or Noise."),
    _("Engines are trained for CT or MR, not for '{wanted}'; give one of them as Modality."),
    _("Expected {wanted}, got {shape}."),
    _("FDN trains an FDNNetwork, not a {name}."),
    _("Image {shape} and reference {shape_2} differ in shape."),
    _("Looking at the references was cancelled."),
    _("Mask {shape} and image {shape_2} differ in shape."),
    _("No region of {size} x {size_2} pixels fits into the mask: choose a smaller size."),
    _("No voxel lies in the region; draw a larger one inside the image."),
    _("Noise is estimated on (z, y, x), with a mask of the same shape; not on {shape}."),
    _("Noise is {sigma} but must be 0 or more; 0 leaves the volume as it is."),
    _("None of the volumes is {modality}; give references of the modality that is trained."),
    _(
        "One of the {count} processes of the training ended unexpectedly (code {died}); go on from the "
        "last checkpoint with Resume."
    ),
    _("Region {number} lies outside the volume; draw it inside the image."),
    _("Rician noise needs magnitudes, but the volume has negative values; give a magnitude image."),
    _("Say for which modality the plans are to be measured, with Modality CT or MR."),
    _(
        "Say how much noisier the volume shall be with exactly one of Dose fraction, Signal-to-noise "
        "ratio, Degradation time and Noise."
    ),
    _("Signal-to-noise ratio is for MR; for CT give Dose fraction, Degradation time or Noise."),
    _("Signal-to-noise ratio is {snr} but must be above 0 and below the volume's own, about {own_snr}."),
    _("Simulation was cancelled."),
    _("Slices of {shape} x {shape_2} pixels are too small for the structure check."),
    _("The card of the model '{name}' does not describe a {engine} network; import it again."),
    _("The contrast of an MR phantom is one of {join}, not {contrast}."),
    _("The cutoff {cutoff} must be positive."),
    _("The degradation times would run from {delta_min} to {delta_max}; give a Δ min below Δ max."),
    _("The diffusion is a DiffusionNetwork, not a {name}."),
    _("The diffusion stage left a {name}."),
    _(
        "The disk of {folder} has {free} GB left, too little to keep the references there; free some "
        "space or choose a shorter plan."
    ),
    _("The dose fraction is {fraction} but must lie between 0.005 and 1."),
    _("The first node did not begin to train in {folder}; start it with the same command, NODE_RANK=0."),
    _("The first node has thrown the training '{name}' away."),
    _("The folder for the result does not exist; say in `output` which file to write."),
    _("The layers could not be written to {folder}; free some space there."),
    _("The line has no length; draw it from one point to another."),
    _("The mask is empty: there is nothing to measure."),
    _("The measurement was cancelled."),
    _(
        "The memory does not hold one training image of the smallest patch; close other programs or train"
        " on the CPU."
    ),
    _("The memory of {device} does not hold even a {side}-pixel tile; {remedy}."),
    _("The memory of {device} does not hold the model '{name}'; close other programs."),
    _("The memory ran out; begin anew with a Batch below {batch} or a smaller Patch."),
    _("The model '{name}' belongs to the engine {engine}; add Engine {engine_2}."),
    _("The model '{name}' came with QuietVoxel and cannot be removed; only your own can."),
    _("The model '{name}' cannot be replaced by itself; give another name."),
    _("The model '{name}' has a card but no weight file {name_2}; import the model again."),
    _("The model '{name}' has no weight file; import the model again."),
    _("The model '{name}' is for {modality}, not {wanted}; start from another one."),
    _("The model '{name}' is not the one that this training began with; begin anew with Throw away."),
    _("The model card in {path} cannot be read; export the model again with the same version as here."),
    _("The network overflowed in slice {index} ({precision}); try Precision: float32."),
    _("The reference differs in size from A and B; choose one of the same grid."),
    _("The references of the training '{name}' are gone; begin it anew with Throw away."),
    _("The region holds fewer than two voxels; draw a larger one inside the image."),
    _("The region holds no square of 8 x 8 pixels, which a noise power spectrum needs; draw a larger one."),
    _("The region holds values that are not numbers; draw it elsewhere."),
    _("The settings given are not those of {engine}; give {name}."),
    _("The shape {shape} of Gamma noise must be at least 1."),
    _("The source at {value} mm lies inside the image, which reaches out to {radius_mm} mm."),
    _("The structure check was cancelled."),
    _("The student learns from slabs that hold what the teacher removed."),
    _("The training '{name}' ended before it was judged for the first time; go on with Resume."),
    _("The training '{name}' has a model that is not saved yet; save it, or throw it away with Throw away."),
    _("The training '{name}' is gone; train again."),
    _("The training '{name}' is running already; wait for it, or give another name."),
    _("The training '{name}' is running; stop it first."),
    _("The training '{name}' is unfinished; go on with Resume, or throw it away with Throw away."),
    _("The training '{name}' {what}; leave Resume out to begin one."),
    _("The training '{name}' {why}, so that there is no new model to save."),
    _("The training stopped because {reason}; free some space, then go on with Resume."),
    _(
        "The training stopped because {reason}; the last good checkpoint is kept: free some space, then "
        "go on with Resume."
    ),
    _("The training was cancelled before it began."),
    _("The training was stopped before its first step; begin it anew."),
    _("The training was stopped; go on with Resume."),
    _("The volume '{name}' has not been opened; open it first."),
    _("The volume came without a complete geometry; send spacing, origin and direction."),
    _("The volume for {path} has voxels that are NaN or infinite; nothing was written."),
    _("The volume holds no tissue to set the noise by; give a CT of a body."),
    _("The volume holds nothing but zeros, so its intensity scale cannot be found; check the file."),
    _("The volume's noise is still being measured; ask for the preview again when it is opened."),
    _("The volume's spacing or direction is no geometry; set its spacing in millimetres first."),
    _("The weights do not fit the architecture in the model's card; import the model again."),
    _("The weights in {path} are not those that its card describes; export the model again."),
    _("The weights in {path} do not make a {engine} network here; update QuietVoxel or export it again."),
    _("The weights of '{name}' overflow float16 and were not saved; train again."),
    _("The weights of the starting model do not fit the architecture in its card; import it again."),
    _("The window {window} is not one of {indow}."),
    _("There is a model '{name}' already; give another name, or replace it with Throw away."),
    _("There is a model '{name}' already; give another name."),
    _("There is a model '{wanted}' already; give another name, or replace it with Throw away."),
    _("There is no device '{wanted}'; choose auto, cpu, cuda or mps."),
    _("There is no engine '{name}' to train; choose one of: {join}."),
    _("There is no engine '{name}'; choose one of: {join}."),
    _("There is no job '{job}'; the program is perhaps older than its front-end: update it."),
    _("There is no measure '{measure}'; choose one of: {join}."),
    _("There is no plan '{plan}'; choose one of: {join}."),
    _("There is no recipe for interpolated CT; its noise is correlated anyway. Train relative-flow."),
    _("There is no slice {beyond}; along this axis the volume has slices 0 to {count}."),
    _("There is no slice {index}; along this axis the volume has slices 0 to {axis}."),
    _("There is no {engine} model for {modality}; available: {models}."),
    _("This machine has no usable device '{wanted}'; choose auto or cpu."),
    _("This machine has {device_count} CUDA device(s), not '{wanted}'; choose auto."),
    _("This stage trains a DiffusionNetwork, not a {name}."),
    _("What noise adds to a magnitude image is not the noise alone: reference_share is for CT."),
    _("data_range has to be positive, not {data_range}."),
    _("devices is {devices}, but this machine has {there} {what}; give a smaller number."),
    _("fill_nonfinite must be a finite number, not {fill}; nothing in {path} was replaced."),
    _(
        "{bad} voxels are NaN or infinite; replace them first (the command line's --fill-nonfinite does "
        "on reading)."
    ),
    _("{draws} independent draws need as many realisations; the bank holds {shape}."),
    _(
        "{folder} holds localizers only; give the folder of the scan, or pick one of them with series=..."
        " (series): {series}."
    ),
    _("{folder} holds no DICOM image; give a folder with a DICOM series or the name of an image file."),
    _("{folder} holds no NIfTI, NRRD or MetaImage volume; give the folder of the reference volumes."),
    _(
        "{folder} holds {images} image series; pick one with series=... (series), by number, UID or "
        "#place: {images_2}."
    ),
    _("{folder} is not a folder; give the folder that holds the reference volumes."),
    _("{folder}: {wanted} {which}; pick one of them: {series}."),
    _("{kernels} kernels do not fit a batch of {sinogram}."),
    _("{names} holds no NIfTI, NRRD, MetaImage or DICOM image; give the files or folders of the references."),
    _("{name} cannot be read ({error}); send the volume again."),
    _("{name} cannot be read as a weight file; import the model again."),
    _("{name} holds no array of voxels; send the volume again."),
    _("{name} is not a readable model card; import the model again."),
    _("{name} is not what its card says (SHA-256 differs); import the model again."),
    _("{path} cannot be read ({error}); check the file and your rights to it."),
    _("{path} cannot be written because the folder {parent} does not exist; create it first."),
    _("{path} cannot be written: its ending is none of {join}; choose one of these."),
    _("{path} could not be written ({reason}); choose another folder or free some space."),
    _("{path} could not be written ({strerror}); choose another folder or free some space."),
    _("{path} does not exist; check the name."),
    _("{path} does not fit into memory; crop it or use a machine with more memory."),
    _("{path} exists already; choose another name or allow overwrite (Throw away)."),
    _("{path} exists already; give another name, or replace it with Throw away."),
    _("{path} has no model card in it; export it with quietvoxel models export."),
    _("{path} has slices of several orientations, which form no volume; separate them first."),
    _(
        "{path} has slices of {columns} x {rows} pixels, and at least {value} x {value_2} are needed; use"
        " an image that was not cropped so far."
    ),
    _(
        "{path} has {few} images at some slice positions and {many} at others ({unique} images, {groups} "
        "positions), which is no single volume; separate its acquisitions first."
    ),
    _("{path} has {have}, so there is no frame {frame}; pick another one or none."),
    _(
        "{path} has {replaced} of {size} voxels that are NaN or infinite; give fill_nonfinite (the "
        "command line's --fill-nonfinite) the value that shall replace them."
    ),
    _("{path} holds a vector at each voxel (a deformation field), not an image; use the image."),
    _(
        "{path} is 4-D with {count} {what}, and one volume is read at a time; pick one with frame=0 to "
        "{count_2} (frame)."
    ),
    _("{path} is DICOM but holds no CT or MR image; choose an image file or its folder."),
    _("{path} is a Siemens mosaic, many slices as tiles of one image; convert it with dcm2niix first."),
    _("{path} is a folder; give the name of a file."),
    _("{path} is a header only, and {name} with its voxels is missing; put it into the same folder."),
    _("{path} is an empty file; copy or export it again."),
    _("{path} is constant (every voxel is {flat}); there is no image in it to denoise."),
    _("{path} is damaged or no safetensors file; export the model again."),
    _("{path} is damaged; begin the training anew with Throw away."),
    _("{path} is empty ({shape} voxels); export the image again."),
    _("{path} is no NIfTI, NRRD, MetaImage or DICOM image; convert it to one of these."),
    _("{path} is not a readable checkpoint; begin the training anew with Throw away."),
    _("{path} is one file, and series={series} picks from a folder; leave it out or give the folder."),
    _("{path} is the header of a pair, and {stem}.img with its voxels is missing; put it beside."),
    _("{path} is the original that was read, which is never replaced; choose another name."),
    _("{path} stores values that are no CT or MR image (NIfTI data type {code}); convert it first."),
    _("{path} stores {name} values, which is no CT or MR image; convert it first."),
    _("{path} would need a side of over 32767 voxels, which NIfTI cannot hold; choose .nrrd."),
    _("{start} is no model that {engine} for {modality} can go on from; leave start out."),
    _("{text} is no modality; choose one of {odality}."),
    _("{title} holds {ndim}-D {dtype} values, which is no CT or MR volume; choose another one."),
)
